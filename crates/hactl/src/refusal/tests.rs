//! One error of the daemon has one code, whichever command has asked.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::*;

#[test]
fn a_denied_permission_has_its_own_code_and_says_whose_the_socket_is() {
    let error = ClientError::Connect(io::ErrorKind::PermissionDenied.into());
    assert_eq!(exit_of(&error), Exit::Permission);
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("h.sock");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let why = denied(&path);
    assert!(why.starts_with("permission denied; the socket has uid "), "{why}");
    assert!(why.ends_with(" mode 640"), "{why}");
    assert_eq!(denied(Path::new("/nonexistent/hactl.sock")), "permission denied in its directory");
}

#[test]
fn the_daemons_own_words_come_first_and_others_answers_are_no_usage_errors() {
    let told = |status: StatusCode, document: Value| {
        let text = document["error"]["message"].as_str().unwrap_or("9 bytes that are not hactl's");
        let text = text.to_owned();
        let error = ClientError::Refused { status, text, problems: Vec::new(), document };
        let Report { what, why, next } = report_of("it was in vain".to_owned(), Path::new("h"), &error);
        (exit_of(&error), what, why.unwrap(), next.unwrap_or_default())
    };
    let message = |message: &str| json!({ "error": { "message": message } });
    let own = json!({ "exit_code": 2, "error": { "message": "refused", "why": "the last", "next": "wait" } });
    let table = [
        (told(StatusCode::CONFLICT, own), Exit::Refused, "refused", "the last", "wait"),
        (told(StatusCode::BAD_REQUEST, message("no")), Exit::Usage, "it was in vain", "no", ""),
        (
            told(StatusCode::NOT_FOUND, Value::Null),
            Exit::Unknown,
            "it was in vain",
            "it answered 404 Not Found: 9 bytes that are not hactl's",
            "look at hactl's log, or ask again",
        ),
        (
            told(StatusCode::FORBIDDEN, message("needs operator")),
            Exit::Permission,
            "it was in vain",
            "needs operator",
            "repeat with sudo, or be named in [admin] operators",
        ),
    ];
    for ((exit, what, why, next), code, expected, because, advice) in table {
        assert_eq!((exit, what.as_str(), why.as_str(), next.as_str()), (code, expected, because, advice));
    }
}

#[test]
fn a_program_finds_the_same_in_a_document() {
    let report = Report::new("x".to_owned()).because("y\u{1b}");
    let document: Value = serde_json::from_str(&document(Exit::Unknown, &report)).unwrap();
    let error = json!({ "message": "x", "why": "y\u{1b}", "next": null });
    assert_eq!((&document["error"], &document["exit_code"]), (&error, &json!(3)));
}
