//! The handshake at each of its bytes.

use proptest::prelude::*;

use super::*;

/// The longest whole handshake: method, login, and a reply that carries a name of 255 bytes.
const LONGEST: usize = 2 + 2 + 5 + 255 + 2;

#[test]
fn without_credentials_only_no_authentication_is_offered() {
    assert_eq!(Client::new(false).greeting(), [5, 1, 0]);
    assert_eq!(Client::new(true).greeting(), [5, 2, 0, 2]);
}

#[test]
fn requests_carry_ipv4_ipv6_and_names_as_such() {
    assert_eq!(request(&Host::V4([1, 1, 1, 1].into()), 443), [5, 1, 0, 1, 1, 1, 1, 1, 1, 0xbb]);
    let mut v6 = vec![5, 1, 0, 4];
    v6.extend([0; 15]);
    v6.extend([1, 0, 80]);
    assert_eq!(request(&Host::V6(std::net::Ipv6Addr::LOCALHOST), 80), v6);
    assert_eq!(request(&Host::Name("a.b".into()), 22), [5, 1, 0, 3, 3, b'a', b'.', b'b', 0, 22]);
    assert_eq!(request(&Host::Name("n".repeat(255).into()), 1).len(), 5 + 255 + 2);
}

#[test]
fn the_login_message_is_counted_and_the_password_is_not_printed() {
    let credentials = Credentials::new("me", "hush").unwrap();
    assert_eq!(credentials.message(), b"\x01\x02me\x04hush");
    assert_eq!(Credentials::new("me", "").unwrap().message(), b"\x01\x02me\x00");
    let printed = format!("{credentials:?}");
    assert!(printed.contains("me") && !printed.contains("hush"), "{printed}");
}

#[test]
fn credentials_that_do_not_fit_are_refused() {
    let long = "x".repeat(256);
    assert_eq!(Credentials::new("", "p"), Err(CredentialsError::User(0)));
    assert_eq!(Credentials::new(&long, "p"), Err(CredentialsError::User(256)));
    assert_eq!(Credentials::new("u", &long), Err(CredentialsError::Password(256)));
    assert!(Credentials::new(&long[1..], &long[1..]).is_ok());
}

#[test]
fn every_address_form_of_a_reply_ends_exactly_at_its_last_byte() {
    let name_0 = [5, 0, 0, 3, 0, 0, 0].to_vec();
    let name_255 = [[5, 0, 0, 3, 255].as_slice(), &[b'x'; 257]].concat();
    let v4 = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0].to_vec();
    let v6 = [[5, 0, 0, 4].as_slice(), &[9; 18]].concat();
    for reply in [name_0, name_255, v4, v6] {
        let mut client = negotiated();
        let (last, before) = reply.split_last().unwrap();
        for byte in before {
            client = still_reading(client, *byte);
        }
        assert_eq!(client.wanted(), 1);
        assert_eq!(client.receive(*last), Ok(Step::Connected));
    }
}

#[test]
fn a_login_is_asked_for_only_where_it_was_offered() {
    let client = still_reading(Client::new(true), 5);
    let Ok(Step::Login(client)) = client.receive(2) else { panic!("no login") };
    let client = still_reading(client, 1);
    assert!(matches!(client.receive(0), Ok(Step::Request(_))));
    assert_eq!(client.receive(1), Err(SocksError::LoginRefused(1)));
    assert_eq!(still_reading(Client::new(false), 5).receive(2), Err(SocksError::WantsLogin));
}

/// What a state makes of a byte, as far as the table below goes.
#[derive(Debug, PartialEq)]
enum Verdict {
    GoesOn,
    Fails(SocksError),
}

#[test]
fn every_byte_in_every_state_is_judged() {
    use Verdict::{Fails, GoesOn};
    for byte in 0..=255_u8 {
        let version = if byte == 5 { GoesOn } else { Fails(SocksError::Version(byte)) };
        assert_eq!(verdict(State::MethodVersion, byte), version);
        assert_eq!(verdict(State::ReplyVersion, byte), version);
        let method = match byte {
            0 | 2 => GoesOn,
            0xff => Fails(SocksError::NoAcceptableMethod),
            other => Fails(SocksError::Method(other)),
        };
        assert_eq!(verdict(State::Method, byte), method);
        let login = if byte == 1 { GoesOn } else { Fails(SocksError::LoginVersion(byte)) };
        assert_eq!(verdict(State::LoginVersion, byte), login);
        let status = if byte == 0 { GoesOn } else { Fails(SocksError::LoginRefused(byte)) };
        assert_eq!(verdict(State::LoginStatus, byte), status);
        let code = if byte == 0 { GoesOn } else { Fails(SocksError::Refused(byte)) };
        assert_eq!(verdict(State::ReplyCode, byte), code);
        let reserved = if byte == 0 { GoesOn } else { Fails(SocksError::Reserved(byte)) };
        assert_eq!(verdict(State::Reserved, byte), reserved);
        let kind = if matches!(byte, 1 | 3 | 4) { GoesOn } else { Fails(SocksError::AddressType(byte)) };
        assert_eq!(verdict(State::AddressType, byte), kind);
        assert_eq!(verdict(State::NameLength, byte), GoesOn);
        assert_eq!(verdict(State::Rest(1), byte), GoesOn);
        assert_eq!(verdict(State::Rest(257), byte), GoesOn);
    }
}

#[test]
fn every_reply_code_has_words_and_a_number() {
    for code in 1..=255_u8 {
        let text = SocksError::Refused(code).to_string();
        assert!(text.ends_with(&format!("(reply {code})")), "{text}");
        assert_eq!(text.contains("unknown reason"), code > 8, "{text}");
        assert_eq!(SocksError::Refused(code).cause(), Cause::Reply(code));
    }
    assert_eq!(SocksError::Refused(4).to_string(), "refused by the SOCKS server: host unreachable (reply 4)");
}

#[test]
fn refused_authentication_is_told_from_a_broken_protocol() {
    for error in [
        SocksError::NoAcceptableMethod,
        SocksError::WantsLogin,
        SocksError::Method(1),
        SocksError::LoginRefused(1),
    ] {
        assert_eq!(error.cause(), Cause::Auth);
    }
    for error in [
        SocksError::Version(4),
        SocksError::LoginVersion(5),
        SocksError::Reserved(1),
        SocksError::AddressType(9),
    ] {
        assert_eq!(error.cause(), Cause::Protocol);
    }
    assert_eq!(
        SocksError::Method(1).to_string(),
        "the SOCKS server chose a method that was not offered (method 0x01)"
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_always_end(
        offers_login: bool,
        prefix in prop::sample::select(vec![vec![], vec![5, 0], vec![5, 0, 5, 0, 0, 3, 255], vec![5, 2, 1, 0]]),
        bytes in prop::collection::vec(any::<u8>(), LONGEST),
    ) {
        let mut client = Client::new(offers_login);
        let mut taken = 0;
        for byte in prefix.into_iter().chain(bytes) {
            prop_assert!((1..=MAX_WANTED).contains(&client.wanted()));
            let wanted = client.wanted();
            taken += 1;
            match client.receive(byte) {
                Ok(Step::Read(next)) => {
                    // Reading `wanted` bytes at once never crosses the end of a message.
                    prop_assert!(next.wanted() + 1 >= wanted);
                    client = next;
                }
                Ok(Step::Login(next) | Step::Request(next)) => {
                    prop_assert_eq!(wanted, 1);
                    client = next;
                }
                Ok(Step::Connected) => {
                    prop_assert_eq!(wanted, 1);
                    return Ok(());
                }
                Err(_) => return Ok(()),
            }
        }
        prop_assert!(false, "no end after {} bytes", taken);
    }
}

fn still_reading(client: Client, byte: u8) -> Client {
    match client.receive(byte) {
        Ok(Step::Read(next)) => next,
        other => panic!("{other:?}"),
    }
}

fn negotiated() -> Client {
    match still_reading(Client::new(false), 5).receive(0) {
        Ok(Step::Request(client)) => client,
        other => panic!("{other:?}"),
    }
}

fn verdict(state: State, byte: u8) -> Verdict {
    match (Client { state, offers_login: true }).receive(byte) {
        Ok(_) => Verdict::GoesOn,
        Err(error) => Verdict::Fails(error),
    }
}
