//! hactl steering a real HAProxy in front of switchable exits: the seed's scenarios, reloads, blackouts, and others
//! who change things.

mod steering {
    mod agent;
    mod blackout;
    mod configuration;
    mod faults;
    mod foreign;
    mod instances;
    mod killed;
    mod ledger;
    mod master;
    mod operator;
    mod orders;
    mod overrides;
    mod reloads;
    mod rules;
    mod scenarios;
    mod sentry;
    mod sessions;
    mod state_file;
    mod steered;
}
