//! hactl steering a real HAProxy in front of switchable exits: the seed's scenarios, reloads, blackouts, and others
//! who change things.

mod steering {
    mod agent;
    mod blackout;
    mod foreign;
    mod ledger;
    mod master;
    mod operator;
    mod reloads;
    mod scenarios;
    mod steered;
}
