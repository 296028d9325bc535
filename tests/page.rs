//! The page in a browser: headless Chromium, driven by playwright-core, beside a real HAProxy. `page/browser.mjs` looks;
//! what happens meanwhile is made to happen here.
//!
//! Where there is no browser the test says that it was not run and why.

mod page {
    pub(crate) mod browser;
    pub(crate) mod needs;
}

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

use page::{browser, needs::needs};

fn main() -> ExitCode {
    let shown = Trial::ignorable_test("the_page_shows_what_is_to_anybody_at_once", || match needs() {
        Ok(means) => {
            browser::play(&means);
            Ok(Completion::Completed)
        }
        // A browser is some hundred megabytes: not every network has them to give.
        Err(missing) => Ok(Completion::ignored_with(format!("NOT RUN: {missing}"))),
    });
    libtest_mimic::run(&Arguments::from_args(), vec![shown]).exit_code()
}
