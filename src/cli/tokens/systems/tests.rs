use secrecy::ExposeSecret as _;

use super::*;

/// User and token, or what is wrong.
type Taken = Result<(String, String), String>;

const OLDER: &str = "older";

/// Reads an input. Returns the number of each line with a token, and user and token or what is
/// wrong.
fn read(system: System, input: &str) -> Vec<(u64, Taken)> {
    let mut reader = SystemReader::new(system, "shop".into());
    for (number, text) in (1..).zip(input.lines()) {
        reader.line(&Line { number, text: Ok(text.to_owned()) }).unwrap();
    }
    let told = |record: Record| {
        let registration = record.registration;
        (registration.user.as_str().to_owned(), registration.refresh_token.expose_secret().to_owned())
    };
    let why = |not_registered| match not_registered {
        NotRegistered::Wrong(wrong) => wrong,
        NotRegistered::Older => OLDER.to_owned(),
    };
    reader.end().into_iter().map(|(number, read)| (number, read.map(told).map_err(why))).collect()
}

fn taken(user: &str, token: &str) -> (String, String) {
    (user.to_owned(), token.to_owned())
}

fn customer(number: &str, token: &str) -> String {
    format!(
        "<customer customer-no=\"{number}\"><custom-attribute attribute-id=\"kpRefreshToken\">{token}</custom-attribute></customer>"
    )
}

#[test]
fn customers_are_found_wherever_their_lines_end() {
    let one_line = format!("<customers>{}{}</customers>", customer("1", "rt1"), customer("2", "rt2"));
    assert_eq!(read(System::Sfcc, &one_line), [(1, Ok(taken("1", "rt1"))), (1, Ok(taken("2", "rt2")))]);
    let many_lines = one_line.replace("><", ">\n<").replace(" customer-no", "\n  customer-no");
    assert_eq!(read(System::Sfcc, &many_lines), [(2, Ok(taken("1", "rt1"))), (6, Ok(taken("2", "rt2")))]);
}

#[test]
fn quotes_entities_and_comments_are_heeded() {
    let odd = "<customer-list>\n<!-- <customer customer-no='0'>\n -->\n\
        <customer mode=\"a > b\" customer-no='A&amp;&#66;&#x43;'>\n<custom-attribute attribute-id='kpRefreshToken' xml:lang=\"x\">\n\
        <![CDATA[rt&1]]>\n</custom-attribute></customer>\n\
        <customer customer-no=\"2\" /><customers/><customer-group/>\n\
        <customer customer-no=\"3\"><custom-attribute attribute-id=\"kpRefreshToken\"/></customer>\n\
        <customer customer-no=\"4\"><custom-attribute attribute-id=\"kpRefreshToken\">&unknown;&</custom-attribute></customer>";
    let expected = [(4, Ok(taken("A&BC", "rt&1"))), (10, Ok(taken("4", "&unknown;&")))];
    assert_eq!(read(System::Sfcc, odd), expected);
}

#[test]
fn a_customer_that_does_not_end_is_told() {
    let found = read(System::Sfcc, "<customers>\n<customer customer-no=\"1\">\n<profile>");
    let [(2, Err(wrong))] = &found[..] else { panic!("{found:?}") };
    assert!(wrong.contains("breaks off"), "{wrong}");
    let long = format!("<customers>\n<customer customer-no=\"1\">{}\n", "x".repeat(600_000));
    let long = format!("{long}{}\n{}\n", "x".repeat(600_000), customer("2", "rt2"));
    let found = read(System::Sfcc, &long);
    let [(2, Err(wrong)), (4, Ok(_))] = &found[..] else { panic!("{} found", found.len()) };
    assert!(wrong.contains("more than"), "{wrong}");
}

#[test]
fn user_meta_is_read_in_each_of_its_forms() {
    let of = |value: &str| {
        let quoted = value.replace('"', "\"\"");
        let comma = format!("user_id,meta_key,meta_value\n7,_siwk_tokens,\"{quoted}\"");
        let tabs = format!("user_id\tmeta_key\tmeta_value\n7\t_siwk_tokens\t{}", value.replace('\\', "\\\\"));
        let (by_comma, by_tab) = (read(System::Woocommerce, &comma), read(System::Woocommerce, &tabs));
        assert_eq!(by_comma, by_tab, "{value}");
        by_comma[0].1.clone().map(|(_, token)| token)
    };
    let json = r#"{"iss":"https:\/\/login.klarna.com","refresh_token":"rt1"}"#;
    let nested = r#"a:2:{s:4:"more";a:1:{i:0;b:1;}s:13:"refresh_token";s:3:"rt1";}"#;
    let wrapped = format!("s:{}:\"{json}\";", json.len());
    for value in ["rt1", json, nested, &wrapped] {
        assert_eq!(of(value), Ok("rt1".to_owned()), "{value}");
    }
    for value in [
        "{",
        "{}",
        "a:1:{",
        "a:9:{}",
        "s:4:\"rt1\";",
        r#"a:1:{s:13:"refresh_token";i:5;}"#,
        "a:1:{s:99:\"x\";N;}",
    ] {
        assert!(of(value).unwrap_err().starts_with("has a meta_value"), "{value}");
    }
    let deep = "a:1:{i:0;".repeat(10_000);
    assert!(of(&deep).is_err());
}

/// Reads an input. Returns the token of the user `7`, and how many of his lines are older and
/// refused.
fn of_one_user(system: System, input: &str) -> (Option<String>, usize, usize) {
    let read = read(system, input);
    let stored = read.iter().find_map(|(_, taken)| taken.as_ref().ok().map(|(_, token)| token.clone()));
    let (older, wrong): (Vec<_>, Vec<_>) =
        read.iter().filter_map(|(_, taken)| taken.as_ref().err()).partition(|why| *why == OLDER);
    (stored, older.len(), wrong.len())
}

#[test]
fn the_newest_token_of_a_user_is_taken_whatever_the_order_of_the_lines() {
    let issued = |at: i64| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(format!("{{\"iat\":{at}}}")));
    let (old, new) = (issued(1_767_355_200), issued(1_767_355_300));
    let tables = [
        (
            System::Prestashop,
            "id_klarnapayment_customer\tid_customer\tid_refresh_token",
            "9\t7\told",
            "10\t7\tnew",
        ),
        (
            System::Prestashop,
            "id_customer\tid_refresh_token\tid_token",
            &format!("7\told\t{old}"),
            &format!("7\tnew\t{new}"),
        ),
        (
            System::Magento,
            "customer_id,refresh_token,id_token",
            &format!("7,old,{old}"),
            &format!("7,new,{new}"),
        ),
        (System::Sap, "uid;refreshToken;idToken", &format!("7;old;{old}"), &format!("7;new;{new}")),
        (
            System::Woocommerce,
            "user_id,meta_key,meta_value",
            "7,siwk_refresh_token,old",
            "7,_siwk_tokens,new",
        ),
    ];
    for (system, header, old, new) in tables {
        for lines in [format!("{old}\n{new}"), format!("{new}\n{old}"), format!("{old}\n{new}\n{old}")] {
            let (stored, older, refused) = of_one_user(system, &format!("{header}\n{lines}\n"));
            let expected = lines.lines().count() - 1;
            assert_eq!(
                (stored.as_deref(), older, refused),
                (Some("new"), expected, 0),
                "{system:?}: {lines}"
            );
        }
    }
}

#[test]
fn no_token_of_a_user_is_taken_if_the_newest_is_not_known() {
    for (system, input) in [
        (System::Prestashop, "id_customer\tid_refresh_token\n7\trt1\n7\trt2\n".to_owned()),
        (System::Magento, "customer_id,refresh_token\n7,rt1\n7,rt2\n".to_owned()),
        (System::Sap, "uid;refreshToken\n7;rt1\n7;rt2\n".to_owned()),
        (
            System::Woocommerce,
            "user_id,meta_key,meta_value\n7,_siwk_tokens,rt1\n7,_siwk_tokens,rt2\n".to_owned(),
        ),
        (System::Sfcc, format!("<customers>{}{}</customers>", customer("7", "rt1"), customer("7", "rt2"))),
    ] {
        assert_eq!(of_one_user(system, &input), (None, 0, 2), "{system:?}");
    }
    // The same token twice is no question.
    let twice = "customer_id,refresh_token\n7,rt1\n7,rt1\n";
    assert_eq!(of_one_user(System::Magento, twice), (Some("rt1".to_owned()), 0, 0));
}

#[test]
fn an_export_that_is_too_large_is_refused_as_a_whole() {
    let mut reader = SystemReader { most: 2, ..SystemReader::new(System::Magento, "shop".into()) };
    let mut line = |number, text: &str| reader.line(&Line { number, text: Ok(text.to_owned()) });
    for (number, text) in (1..).zip(["customer_id,refresh_token", "1,rt1", "2,rt2"]) {
        assert_eq!(line(number, text), Ok(()));
    }
    assert!(line(4, "3,rt3").unwrap_err().starts_with("has more than the 2 tokens"));
    // What follows the last token is no token.
    let mut reader = SystemReader { most: 1, ..SystemReader::new(System::Sfcc, "shop".into()) };
    for (number, text) in (1..).zip(["<customers>", &customer("1", "rt1"), "</customers>"]) {
        assert_eq!(reader.line(&Line { number, text: Ok(text.to_owned()) }), Ok(()));
    }
}

#[test]
fn an_older_token_does_not_take_the_place_of_an_unusable_one() {
    let issued = |at: i64| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(format!("{{\"iat\":{at}}}")));
    let (old, new) = (issued(1_767_355_200), issued(1_767_355_300));
    for (system, input) in [
        (
            System::Prestashop,
            "id_klarnapayment_customer\tid_customer\tid_refresh_token\n9\t7\told\n10\t7\tNULL\n".to_owned(),
        ),
        (
            System::Woocommerce,
            "user_id,meta_key,meta_value\n7,siwk_refresh_token,old\n7,_siwk_tokens,a:0:{}\n".to_owned(),
        ),
        (
            System::Magento,
            format!("customer_id,refresh_token,id_token\n7,old,{old}\n7,0:3:encrypted,{new}\n"),
        ),
        (System::Sap, format!("uid;refreshToken;idToken\n7;old;{old}\n7;;{new}\n")),
    ] {
        assert_eq!(of_one_user(system, &input), (None, 1, 1), "{system:?}");
    }
    // Its age is not known: the usable one may be older.
    let unknown = format!("<customers>{}{}</customers>", customer("7", "old"), customer("7", "has a space"));
    assert_eq!(of_one_user(System::Sfcc, &unknown), (None, 0, 2));
}

#[test]
fn the_age_is_that_of_the_id_token() {
    let payload = URL_SAFE_NO_PAD.encode(r#"{"iat":1767355200,"sub":"x"}"#);
    assert_eq!(issued_at(&format!("e30.{payload}.c2ln")), DateTime::from_timestamp(1_767_355_200, 0));
    let other = URL_SAFE_NO_PAD.encode(r#"{"iat":"today"}"#);
    for none in ["", "e30", "e30.!.x", &format!("e30.{other}.x"), "0:3:abc"] {
        assert_eq!(issued_at(none), None, "{none}");
    }
}
