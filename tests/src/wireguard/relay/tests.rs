//! The relay between two sockets of loopback: needs no rights.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::time::Instant;

use super::*;

const ONE_WAY: Duration = Duration::from_millis(25);

/// For what should happen at once; long for a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Datagrams that are sent at once: a socket holds some hundreds, and they shall not be lost there.
const AT_ONCE: u32 = 50;

#[test]
fn datagrams_come_late_in_order_and_all_of_them() {
    let path = Between::start(ONE_WAY, 0);
    for first in (0..1000).step_by(AT_ONCE as usize) {
        let numbers: Vec<Vec<u8>> =
            (first..first + AT_ONCE).map(|number| number.to_be_bytes().into()).collect();
        let sent = Instant::now();
        numbers.iter().for_each(|number| path.send_out(number));
        path.settle();
        assert!(sent.elapsed() >= ONE_WAY);
        assert_eq!(path.arrived_far(), numbers);
    }
    let carried = path.relay.carried(Direction::Out);
    assert_eq!((carried.passed, carried.lost, carried.cut, carried.overflowed), (1000, 0, 0, 0));
    assert!(carried.delay(1) >= Some(ONE_WAY), "{:?}", carried.delay(1));
}

#[test]
fn a_cut_holds_back_what_it_says_until_it_is_taken_back() {
    let path = Between::start(ONE_WAY, 0);
    let expect = |cut, out: &[usize], back: &[usize]| {
        path.relay.set(cut);
        path.send_out(&[1; 10]);
        path.send_out(&[2; 800]);
        path.send_back(&[3; 10]);
        path.settle();
        let lengths = |arrived: Vec<Vec<u8>>| arrived.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(path.arrived_far()), out, "{cut:?}");
        assert_eq!(lengths(path.arrived_near()), back, "{cut:?}");
    };
    expect(Cut::Nothing, &[10, 800], &[10]);
    expect(Cut::Everything, &[], &[]);
    expect(Cut::OneWay(Direction::Out), &[], &[10]);
    expect(Cut::OneWay(Direction::In), &[10, 800], &[]);
    expect(Cut::LongerThan(700), &[10], &[10]);
    expect(Cut::Nothing, &[10, 800], &[10]);
}

#[test]
fn a_cut_is_in_force_for_what_is_under_way() {
    let path = Between::start(Duration::from_secs(1), 0);
    path.send_out(b"under way");
    path.relay.set(Cut::Everything);
    path.settle();
    assert!(path.arrived_far().is_empty());
}

#[test]
fn a_seed_decides_which_are_lost_in_each_direction() {
    let arrived = || {
        let path = Between::start(ONE_WAY, 100);
        let (mut far, mut near) = (Vec::new(), Vec::new());
        for first in (0..500).step_by(AT_ONCE as usize) {
            for number in (first..first + AT_ONCE).map(u32::to_be_bytes) {
                path.send_out(&number);
                path.send_back(&number);
            }
            path.settle();
            far.extend(path.arrived_far());
            near.extend(path.arrived_near());
        }
        (far, near)
    };
    let (far, near) = arrived();
    assert!((400..490).contains(&far.len()), "{} of 500 arrived", far.len());
    assert_ne!(far, near);
    assert_eq!((far, near), arrived());
}

#[test]
fn strangers_are_not_listened_to() {
    let path = Between::start(ONE_WAY, 0);
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    stranger.send_to(b"stranger", path.near_entrance).unwrap();
    path.send_out(b"peer");
    path.settle();
    assert_eq!(path.arrived_far(), [b"peer"]);
}

/// Two peers with a relay between them.
struct Between {
    near: UdpSocket,
    far: UdpSocket,
    near_entrance: SocketAddr,
    far_entrance: SocketAddr,
    relay: Relay,
    sent: Cell<u64>,
}

impl Between {
    fn start(one_way: Duration, loss_per_mille: u32) -> Self {
        let [near, far, near_end, far_end] =
            [(); 4].map(|()| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        near.set_nonblocking(true).unwrap();
        far.set_nonblocking(true).unwrap();
        let addr = |socket: &UdpSocket| socket.local_addr().unwrap();
        let (near_entrance, far_entrance) = (addr(&near_end), addr(&far_end));
        let near_end = End { socket: near_end, peer: addr(&near) };
        let far_end = End { socket: far_end, peer: addr(&far) };
        let path = Path { one_way, loss_per_mille, seed: 42 };
        let relay = Relay::start(&near_end, &far_end, path);
        Self { near, far, near_entrance, far_entrance, relay, sent: Cell::new(0) }
    }

    fn send_out(&self, bytes: &[u8]) {
        self.near.send_to(bytes, self.near_entrance).unwrap();
        self.sent.update(|sent| sent + 1);
    }

    fn send_back(&self, bytes: &[u8]) {
        self.far.send_to(bytes, self.far_entrance).unwrap();
        self.sent.update(|sent| sent + 1);
    }

    /// Waits until the relay is done with everything that was sent.
    fn settle(&self) {
        let done = |direction| {
            let carried = self.relay.carried(direction);
            carried.passed + carried.lost + carried.cut + carried.overflowed
        };
        let start = Instant::now();
        while done(Direction::Out) + done(Direction::In) < self.sent.get() {
            assert!(start.elapsed() < PATIENCE, "the relay stands still");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn arrived_far(&self) -> Vec<Vec<u8>> {
        arrived(&self.far)
    }

    fn arrived_near(&self) -> Vec<Vec<u8>> {
        arrived(&self.near)
    }
}

fn arrived(socket: &UdpSocket) -> Vec<Vec<u8>> {
    let mut buffer = [0; 2000];
    std::iter::from_fn(|| socket.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec())).collect()
}
