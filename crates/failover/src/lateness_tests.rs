//! When an answer is late: on paths that are known, quiet, new, or change their pace.

use super::*;

const CEILING: Duration = Duration::from_secs(3);
const T: TargetId = TargetId(0);
const OTHER: TargetId = TargetId(1);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn known(times: impl IntoIterator<Item = u64>) -> Lateness {
    let mut lateness = Lateness::new(2);
    for time in times {
        lateness.learn(Stage::Http, T, millis(time), false);
    }
    lateness
}

fn limits(lateness: &Lateness, quiet: bool) -> (u128, u128) {
    let Limits { doubt, late } = lateness.limits(Stage::Http, T, quiet, CEILING);
    (doubt.as_millis(), late.as_millis())
}

#[test]
fn late_is_four_medians_or_two_and_a_resend_between_floor_and_ceiling() {
    assert_eq!(limits(&known([10; 60]), false), (20, 200));
    assert_eq!(limits(&known([50; 60]), false), (100, 200));
    assert_eq!(limits(&known([100; 60]), false), (200, 400));
    assert_eq!(limits(&known([400; 60]), false), (800, 1000));
    assert_eq!(limits(&known([2000; 60]), false), (3000, 3000));
}

#[test]
fn a_quiet_path_is_judged_at_its_own_pace_and_never_more_patiently() {
    assert_eq!(limits(&known([1; 60]), true), (1, 30));
    assert_eq!(limits(&known([20; 60]), true), (22, 60));
    assert_eq!(limits(&known([20; 59].into_iter().chain([40])), true), (45, 80));
    assert_eq!(limits(&known([20; 59].into_iter().chain([190])), true), (200, 200));
    assert_eq!(limits(&known([100; 60]), true), (112, 300));
}

#[test]
fn a_new_path_is_given_much_time_and_less_once_another_one_is_known() {
    assert_eq!(limits(&known([20; 7]), false), (1500, 1500));
    assert_eq!(limits(&known([20; 8]), false), (40, 200));
    let lateness = known([20; 8]);
    assert_eq!(lateness.limits(Stage::Tls, OTHER, true, CEILING), Limits::both(millis(400)));
    assert_eq!(lateness.limits(Stage::Tcp, T, true, millis(300)), Limits::both(millis(300)));
    assert!(lateness.is_known(T) && !lateness.is_known(OTHER));
}

#[test]
fn the_servers_own_port_has_its_own_pace() {
    let mut lateness = known([100; 60]);
    for _ in 0..60 {
        lateness.learn(Stage::Greeting, T, millis(1), false);
    }
    assert_eq!(lateness.limits(Stage::Tcp, OTHER, false, CEILING).late, millis(200));
    assert_eq!(limits(&lateness, false), (200, 400));
}

#[test]
fn a_path_with_another_pace_is_learned_from_a_few_late_answers() {
    let mut lateness = known([50; 60]);
    for count in 1..=5 {
        assert_eq!(lateness.limits(Stage::Http, T, false, CEILING).late, millis(200), "{count}");
        lateness.learn(Stage::Http, T, millis(500), true);
    }
    for _ in 0..3 {
        lateness.learn(Stage::Http, T, millis(500), false);
    }
    assert_eq!(lateness.limits(Stage::Http, T, false, CEILING).late, millis(1200));
}

#[test]
fn the_window_forgets_and_stays_sorted() {
    let mut window = Window::default();
    for time in (0..1000).rev() {
        window.push(millis(time % 97));
    }
    assert_eq!(window.sorted.len(), WINDOW);
    assert!(window.sorted.is_sorted());
    let mut recent: Vec<Duration> = window.recent.iter().copied().collect();
    recent.sort_unstable();
    assert_eq!(recent, window.sorted);
}
