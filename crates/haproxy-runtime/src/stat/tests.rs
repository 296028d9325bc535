//! `show stat` as recorded and otherwise.

use super::*;

#[test]
fn what_an_agent_check_says_is_shown_at_every_level() {
    let stat = include_bytes!("../../tests/replies/2.6/show-stat-agent-user-level.txt").trim_ascii_end();
    let rows = parse(stat).unwrap().rows;
    let shown = |row: &StatRow| {
        let health = row.get("agent_health").map(ToOwned::to_owned);
        (row.svname.clone(), row.status.clone(), health)
    };
    let expected = [("s1", "DOWN (agent)", "0"), ("s2", "UP", "1"), ("s3", "DOWN", "1")];
    let expected =
        expected.map(|(name, status, health)| (name.to_owned(), status.to_owned(), Some(health.to_owned())));
    assert_eq!(rows.iter().map(shown).collect::<Vec<_>>(), expected);
    assert!(rows.iter().all(|row| row.get("agent_rise") == Some("1")));
}

#[test]
fn a_recorded_reply_of_2_6_is_read() {
    let table = parse(include_bytes!("../../tests/replies/2.6/show-stat.txt").trim_ascii_end()).unwrap();
    assert_eq!(table.rejected, []);
    assert_eq!(table.rows.len(), 8);
    let wg1 = row(&table, "socks_back_7891", "wg1");
    assert_eq!((wg1.kind, wg1.status.as_str(), wg1.iid, wg1.sid), (StatKind::Server, "DOWN", 3, 1));
    assert_eq!((wg1.act, wg1.bck, wg1.weight), (Some(0), Some(1), Some(1)));
    assert_eq!((wg1.scur, wg1.stot), (Some(0), Some(0)));
    assert_eq!((wg1.addr.as_deref(), wg1.check_status.as_deref()), (Some("127.0.0.1:18181"), Some("L4CON")));
    assert_eq!(wg1.get("last_chk"), Some("Connection refused"));
    assert_eq!((wg1.get("slim"), wg1.get("no such column")), (None, None));
    let backend = row(&table, "socks_back_7891", "BACKEND");
    assert_eq!((backend.kind, backend.algo.as_deref()), (StatKind::Backend, Some("first")));
    assert_eq!(backend.mode.as_deref(), Some("tcp"));
    let frontend = row(&table, "front", "FRONTEND");
    assert_eq!((frontend.kind, frontend.act, frontend.lastchg), (StatKind::Frontend, None, None));
}

#[test]
fn a_reply_of_a_later_version_is_read_by_column_names() {
    let table = parse(include_bytes!("../../tests/replies/invented/show-stat.txt").trim_ascii_end()).unwrap();
    assert_eq!(table.rejected, []);
    let wg1 = row(&table, "socks_back_7891", "wg1");
    assert_eq!((wg1.status.as_str(), wg1.check_status.as_deref()), ("UP -1/3", Some("L7OK")));
    assert_eq!((wg1.get("check_status"), wg1.get("srv_future_b")), (Some("* L7OK"), Some("2")));
    assert_eq!(row(&table, "socks_back_7891", "wg2").status, "MAINT (via b/s)");
}

#[test]
fn a_level_that_hides_columns_leaves_them_empty() {
    let body = include_bytes!("../../tests/replies/2.6/show-stat-user-level.txt").trim_ascii_end();
    let table = parse(body).unwrap();
    let wg1 = row(&table, "socks_back_7891", "wg1");
    assert_eq!((&wg1.addr, wg1.mode.as_deref()), (&None, Some("tcp")));
    assert_eq!((wg1.scur, wg1.stot), (Some(0), Some(0)));
    assert_eq!(row(&table, "socks_back_7891", "BACKEND").algo, None);
}

#[test]
fn a_check_text_with_quotes_a_comma_and_bytes_that_are_no_text_is_one_field() {
    let body = include_bytes!("../../tests/replies/2.6/show-stat-binary-check-text.txt").trim_ascii_end();
    let table = parse(body).unwrap();
    let wg1 = row(&table, "socks_back_7891", "wg1");
    assert_eq!(wg1.get("last_chk"), Some("not, \"really\"\\u{1b}\u{fffd} here"));
    assert_eq!(wg1.addr.as_deref(), Some("127.0.0.1:18281"));
}

#[test]
fn a_line_feed_in_a_quoted_field_starts_no_row() {
    let body =
        b"# pxname,svname,type,status,iid,sid,last_chk,\nb,s,2,UP,3,1,\"a\n\nb\",\nb,BACKEND,1,UP,3,0,,";
    let table = parse(body).unwrap();
    assert_eq!(table.rows.len(), 2);
    assert_eq!(table.rows[0].get("last_chk"), Some("a\\n\\nb"));
}

#[test]
fn an_odd_row_is_set_aside() {
    let body = b"# pxname,svname,type,status,iid,sid,scur\nb,s,2,UP,3,1,x\nb,s,2\nb,s,2,UP,3,1,7";
    let table = parse(body).unwrap();
    assert_eq!(table.rows.len(), 1);
    let reasons: Vec<_> = table.rejected.into_iter().map(|row| row.reason).collect();
    let number = RowError::Number { column: "scur", value: "x".to_owned() };
    assert_eq!(reasons, [number, RowError::Fields { expected: 7, found: 3 }]);
}

#[test]
fn a_header_without_a_needed_column_is_refused() {
    assert_eq!(parse(b"# pxname,svname").unwrap_err(), FormatError::Missing("type"));
    assert!(matches!(parse(b"pxname,svname").unwrap_err(), FormatError::Beginning { .. }));
}

#[test]
fn a_header_of_nothing_but_columns_is_refused() {
    let body = [b"# pxname".to_vec(), b",".repeat(table::MAX_COLUMNS)].concat();
    assert_eq!(parse(&body).unwrap_err(), FormatError::Columns);
}

fn row<'a>(table: &'a Rows<StatRow>, pxname: &str, svname: &str) -> &'a StatRow {
    table.rows.iter().find(|row| row.pxname == pxname && row.svname == svname).unwrap()
}
