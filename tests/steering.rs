//! hactl steering a real HAProxy in front of switchable exits: the seed's scenarios, reloads, blackouts, and others
//! who change things.

mod steering {
    mod blackout;
    mod configuration;
    mod faults;
    mod foreign;
    mod instances;
    mod killed;
    mod ledger;
    mod operator;
    mod reloads;
    mod rules;
    mod scenarios;
    mod sessions;
    mod steered;
}
