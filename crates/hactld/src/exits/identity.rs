//! What a page says of who asks for it: Cloudflare's trace page (`ip=`, `colo=`, `warp=`, a line each), or a page with
//! nothing on it but the address. It comes from outside: what is not of the form that is known is not taken.

use std::net::IpAddr;

use failover::status::ExitStatus;

/// Cloudflare's names of its sites are those of airports, of three letters.
const COLO_LENGTH: usize = 3;

/// What `warp=` says.
const WARPS: [&str; 3] = ["off", "on", "plus"];

/// Who the page says has asked; `None` where it does not say.
pub(super) fn parse(page: &[u8]) -> Option<ExitStatus> {
    let text = str::from_utf8(page).ok()?;
    if let Some(address) = address(text) {
        return Some(ExitStatus { address, colo: None, warp: None });
    }
    let value = |key: &str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.trim())
    };
    let colo = value("colo")
        .filter(|colo| colo.len() == COLO_LENGTH && colo.bytes().all(|byte| byte.is_ascii_uppercase()));
    let warp = value("warp").filter(|warp| WARPS.contains(warp));
    Some(ExitStatus {
        address: address(value("ip")?)?,
        colo: colo.map(str::to_owned),
        warp: warp.map(str::to_owned),
    })
}

/// As this program writes it, however it was written.
fn address(text: &str) -> Option<String> {
    text.trim().parse().ok().map(|address: IpAddr| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_page_says_address_site_and_warp() {
        let page = "fl=1f2\nh=www.cloudflare.com\nip=203.0.113.7\nts=1.5\nvisit_scheme=https\nuag=hactl/0.1.0\ncolo=FRA\n\
            sliver=none\nhttp=http/1.1\nloc=DE\ntls=TLSv1.3\nsni=plaintext\nwarp=plus\ngateway=off\n";
        assert_eq!(parse(page.as_bytes()), Some(exit("203.0.113.7", Some("FRA"), Some("plus"))));
    }

    #[test]
    fn a_page_may_be_the_address_alone() {
        assert_eq!(parse(b"203.0.113.7\n"), Some(exit("203.0.113.7", None, None)));
        assert_eq!(parse(b" 2001:DB8::1 \r\n"), Some(exit("2001:db8::1", None, None)));
    }

    #[test]
    fn what_is_of_another_form_is_not_taken() {
        for page in [
            &b""[..],
            b"\xff\xfe",
            b"<html>203.0.113.7</html>",
            b"ip=\x1b[2J\n",
            b"ip=203.0.113.999\n",
            b"colo=FRA\n",
        ] {
            assert_eq!(parse(page), None, "{page:?}");
        }
        let hostile = b"ip=203.0.113.7\ncolo=\x1b[2J\nwarp=yes please\n";
        assert_eq!(parse(hostile), Some(exit("203.0.113.7", None, None)));
    }

    fn exit(address: &str, colo: Option<&str>, warp: Option<&str>) -> ExitStatus {
        ExitStatus {
            address: address.to_owned(),
            colo: colo.map(str::to_owned),
            warp: warp.map(str::to_owned),
        }
    }
}
