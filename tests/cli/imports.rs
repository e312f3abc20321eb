//! Exports of other systems. The samples are those of docs/migrating.md.

use std::path::Path;

use serde_json::{Value, json};
use test_support::postgres::TestDatabase;

use crate::program::{Home, hold};
use crate::tokens::list;

const FIRST: &str = "2026-01-02T12:00:00Z";

/// Each system with the heading of its sample, its users, and when the first token was issued.
const SYSTEMS: [(&str, &str, [&str; 2], Option<&str>); 5] = [
    ("magento", "Magento", ["17", "18"], Some(FIRST)),
    ("sfcc", "Salesforce B2C Commerce", ["00000017", "00000018"], None),
    ("prestashop", "PrestaShop", ["17", "18"], Some(FIRST)),
    ("sap", "SAP Commerce", ["anna@shop.example", "berta@shop.example"], None),
    ("woocommerce", "WooCommerce", ["17", "18"], Some(FIRST)),
];

/// Returns the last block of a section, which is the sample.
fn sample(heading: &str) -> String {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrating.md")).unwrap();
    let section = page.split(&format!("\n### {heading}\n")).nth(1).unwrap().split("\n#").next().unwrap();
    let blocks: Vec<&str> = section.split("\n```").collect();
    let block = blocks.iter().rev().find(|block| block.starts_with("text\n") || block.starts_with("xml\n"));
    block.unwrap().split_once('\n').unwrap().1.to_owned() + "\n"
}

fn arguments<'a>(system: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["tokens", "import", "-", "--merchant", "shop", "--from", system], more].concat()
}

fn import(home: &Home) {
    for (system, heading, users, issued) in SYSTEMS {
        let input = sample(heading);
        let dry = home.feed(&arguments(system, &["--dry-run", "--format", "json"]), &input).exits(0);
        let foreseen: Vec<(Value, Value)> =
            dry.json().iter().map(|line| (line["user"].clone(), line["issued_at"].clone())).collect();
        let expected =
            [(json!(users[0]), json!(issued)), (json!(users[1]), Value::Null), (Value::Null, Value::Null)];
        assert_eq!(foreseen, expected, "{system}: {}", dry.stdout);
        assert_eq!(list(home, &[]), Vec::<Value>::new());

        let ran = home.feed(&arguments(system, &[]), &input).exits(0);
        assert!(ran.stdout.starts_with("2 registered, 0 already known"), "{system}: {}", ran.stdout);
        assert!(ran.stderr.contains("must be stopped before its export was made"), "{}", ran.stderr);
        let told = format!("{}{}{}{}", dry.stdout, dry.stderr, ran.stdout, ran.stderr);
        assert!(!told.contains("ory_rt"), "{told}");
        let tokens = list(home, &[]);
        let stored: Vec<&str> = tokens.iter().map(|token| token["user"].as_str().unwrap()).collect();
        assert_eq!(stored, users, "{system}");
        if issued.is_some() {
            assert_eq!(tokens[0]["issued_at"], FIRST, "{system}");
        }
        // The tokens themselves are those of the export.
        let again = home.feed(&["tokens", "import", "-"], known(users)).exits(0);
        assert!(again.stdout.starts_with("0 registered, 2 already known"), "{system}: {}", again.stdout);
        for user in users {
            home.run(&["users", "erase", "shop", user, "--yes"]).exits(0);
        }
    }
}

/// The same tokens as JSON lines.
fn known(users: [&str; 2]) -> String {
    let tokens = users.iter().zip(["ory_rt_first", "ory_rt_second"]);
    let line = |(user, token): (&&str, &str)| {
        json!({ "merchant": "shop", "user": user, "refresh_token": token }).to_string()
    };
    tokens.map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_systems_export_is_taken_as_the_sample_shows() {
    let home = Home::new();
    import(&home);
    assert!(!hold(&home.path("data"), "ory_rt_"), "a token lies open in a file");
    let database = TestDatabase::create().await;
    import(&Home::on_postgres(&database));
    database.remove().await;
}

#[test]
fn every_line_with_a_token_is_registered_or_refused() {
    let home = Home::new();
    let inputs = [
        (
            "magento",
            "customer_id,refresh_token\n1,ory_rt_m1\n2,0:3:abc=\n,ory_rt_m4\n3\n4,ory rt\n5,\n".to_owned(),
            1,
            5,
        ),
        (
            "woocommerce",
            "user_id\tmeta_key\tmeta_value\n1\t_siwk_tokens\t{\"access_token\":\"ory_rt_a\"}\n2\tnickname\tory_rt_n\n\
             3\t_siwk_tokens\ta:1:{s:13:\"refresh_token\";s:99:\"ory_rt_w\";}\n4\t_siwk_tokens\tory_rt_w4\n"
                .to_owned(),
            1,
            3,
        ),
        (
            "sfcc",
            sample("Salesforce B2C Commerce").replace("</customer-list>\n", "")
                + "<customer><profile><custom-attribute attribute-id=\"kpRefreshToken\">ory_rt_x</custom-attribute></profile></customer>\n\
                   <!-- <customer customer-no=\"9\"><custom-attribute attribute-id=\"kpRefreshToken\">ory_rt_y</custom-attribute></customer> -->\n\
                   <customer customer-no=\"8\"><custom-attribute attribute-id=\"kpRefreshToken\">ory_rt_z\n",
            2,
            2,
        ),
        (
            "sap",
            "uid;refreshToken\n# a comment\nanna;ory_rt_s1\nanna;ory_rt_s2\nberta;ory_rt_s3\n".to_owned(),
            1,
            2,
        ),
        // What `mysql --batch` writes for a null is no token, no user and no id_token.
        (
            "prestashop",
            "id_customer\tid_refresh_token\tid_token\n21\tory_rt_p1\tNULL\n22\tNULL\tNULL\nNULL\tory_rt_p3\tNULL\n"
                .to_owned(),
            1,
            2,
        ),
    ];
    for (system, input, stored, refused) in inputs {
        for dry in [&["--dry-run"][..], &[]] {
            let ran = home.feed(&arguments(system, dry), &input).exits(3);
            let lines = ran.stdout.lines().filter(|line| line.starts_with("line ")).count();
            let listed = if dry.is_empty() { refused } else { refused + stored };
            assert_eq!(lines, listed, "{system}: {}", ran.stdout);
            let summary = ran.stdout.lines().last().unwrap();
            assert!(summary.starts_with(&format!("{stored} ")), "{system}: {summary}");
            assert!(summary.contains(&format!(" {refused} refused")), "{system}: {summary}");
            let told = ran.stdout + &ran.stderr;
            assert!(!told.contains("ory_rt") && !told.contains("abc="), "{told}");
        }
    }
}

/// More lines than one transaction takes: 300 customers with two rows each, the newer one first for
/// every other.
#[test]
fn the_newest_row_of_each_customer_is_registered() {
    let home = Home::new();
    let row = |id: u32, customer: u32, token: &str| format!("{id}\t{customer}\tory_rt_{token}{customer}\n");
    let (mut older, mut newer) = (String::new(), String::new());
    for customer in 1..=300 {
        let rows = [row(customer, customer, "old"), row(1000 + customer, customer, "new")];
        let [first, second] = if customer % 2 == 0 { rows } else { [rows[1].clone(), rows[0].clone()] };
        older += &first;
        newer += &second;
    }
    let input = format!("id_klarnapayment_customer\tid_customer\tid_refresh_token\n{older}{newer}");
    let ran = home.feed(&arguments("prestashop", &[]), &input).exits(0);
    let summary = ran.stdout.lines().last().unwrap();
    assert!(summary.starts_with("300 registered, 0 already known, 300 older"), "{summary}");
    let newest = (1..=300).map(|customer| {
        json!({ "merchant": "shop", "user": customer.to_string(), "refresh_token": format!("ory_rt_new{customer}") })
            .to_string()
    });
    let again = home.feed(&["tokens", "import", "-"], newest.collect::<Vec<_>>().join("\n")).exits(0);
    assert!(again.stdout.starts_with("0 registered, 300 already known"), "{}", again.stdout);
}

/// In JSON lines and CSV, the time decides; without it, the last line.
#[test]
fn of_several_rows_of_a_user_one_counts() {
    let home = Home::new();
    let input = "merchant,user,refresh_token,issued_at\nshop,u-1,ory_rt_new,2026-01-20T12:00:00Z\n\
        shop,u-1,ory_rt_old,2026-01-10T12:00:00Z\nshop,u-2,ory_rt_first,\nshop,u-2,ory_rt_last,\n";
    let ran = home.feed(&["tokens", "import", "-"], input).exits(0);
    assert!(ran.stdout.contains("3 registered, 0 already known, 1 older"), "{}", ran.stdout);
    let tokens = list(&home, &[]);
    assert_eq!(tokens[0]["issued_at"], "2026-01-20T12:00:00Z");
    assert_eq!(tokens[1]["generation"], 2, "{}", tokens[1]);
}

#[test]
fn an_export_of_another_system_is_refused_as_a_whole() {
    let home = Home::new();
    for (system, input, told) in [
        (
            "magento",
            "id_customer,id_refresh_token\n",
            "line 1 is not the header of such an export: it has no column customer_id",
        ),
        (
            "sap",
            "uid;token\n",
            "line 1 is not the header of such an export: it has no column whose name ends in refreshToken",
        ),
        ("sfcc", "customer_id,refresh_token\n", "line 1 is not XML: expected an export of customers"),
    ] {
        let ran = home.feed(&arguments(system, &[]), input).exits(1);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    home.feed(&["tokens", "import", "-", "--from", "magento"], "").exits(2);
    home.feed(&["tokens", "import", "-", "--merchant", "shop"], "").exits(2);
    home.feed(&["tokens", "import", "-", "--from", "magento", "--merchant", "elsewhere"], "").exits(2);
}
