//! Whatever comes, in whatever order: the core neither panics nor breaks its promises. The same harness is driven by the
//! fuzzer in `fuzz/`, and what that has found is replayed here.

#[path = "sequences/harness.rs"]
mod harness;
#[path = "sequences/recordings.rs"]
mod recordings;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_sequence_of_events_breaks_a_promise(bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
        harness::run(&bytes);
    }

    #[test]
    fn nor_does_one_in_which_most_probes_have_a_plausible_fate(
        bytes in prop::collection::vec(prop::sample::select(harness::PLAUSIBLE.to_vec()), 0..1500)
    ) {
        harness::run(&bytes);
    }
}

proptest! {
    // Each is minutes of virtual time.
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_recording_is_replayed_and_rerun(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        recordings::run(&bytes);
    }

    #[test]
    fn so_is_one_of_probes_that_were_ordered(
        bytes in prop::collection::vec(prop::sample::select(recordings::PLAUSIBLE.to_vec()), 0..2000)
    ) {
        recordings::run(&bytes);
    }
}

#[test]
fn what_the_fuzzer_has_found_is_still_all_right() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/sequences");
    let mut files = 0;
    for file in std::fs::read_dir(corpus).expect("the corpus is part of the repository") {
        harness::run(&std::fs::read(file.expect("it can be listed").path()).expect("it can be read"));
        files += 1;
    }
    assert!(files >= 20, "{files} files in {corpus}");
}
