use super::*;

const KEY: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";

fn program(words: &[&str], variables: &[&str], timeout: Duration) -> KeyProgram {
    let mut words = words.iter().map(|word| (*word).to_owned());
    KeyProgram {
        path: words.next().unwrap().into(),
        arguments: words.collect(),
        variables: variables.iter().map(|name| (*name).to_owned()).collect(),
        timeout,
    }
}

fn environment() -> BTreeMap<String, String> {
    let variables = [("PATH", "/usr/bin:/bin"), ("HOME", "/tmp"), ("REGION", "eu"), ("OTHER", "secret")];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

async fn print(words: &[&str], input: &[u8]) -> Result<Output, WrappingError> {
    run(&program(words, &["REGION", "ABSENT"], Duration::from_secs(30)), input, &environment()).await
}

fn printed(output: Result<Output, WrappingError>) -> String {
    String::from_utf8(output.unwrap().printed.to_vec()).unwrap()
}

#[test]
fn a_key_is_read_plain_in_base64_and_in_base64_of_base64() {
    let once = STANDARD.encode(KEY);
    let twice = STANDARD.encode(&once);
    for printed in [&KEY[..], once.as_bytes(), format!("{once}\n").as_bytes(), twice.as_bytes()] {
        assert_eq!(key(printed).as_deref(), Some(&KEY));
    }
    let thrice = STANDARD.encode(&twice);
    for printed in [b"".as_slice(), b"\n", &KEY[1..], &once.as_bytes()[4..], thrice.as_bytes(), b"no key"] {
        assert_eq!(key(printed), None, "{printed:?}");
    }
}

#[tokio::test]
async fn a_program_gets_its_input_its_arguments_as_they_are_and_few_variables() {
    assert_eq!(printed(print(&["/bin/cat"], b"wrapped").await), "wrapped");
    let arguments = "$HOME; echo `id` | tr a b > /tmp/x";
    assert_eq!(printed(print(&["/bin/echo", arguments], b"").await), format!("{arguments}\n"));
    let output = printed(print(&["/usr/bin/env"], b"").await);
    let mut variables: Vec<&str> = output.lines().collect();
    variables.sort_unstable();
    assert_eq!(variables, ["HOME=/tmp", "PATH=/usr/bin:/bin", "REGION=eu"]);
    let program = program(&["/usr/bin/env"], &["REGION", "ABSENT"], Duration::from_secs(30));
    assert_eq!(super::variables(&program, &environment()), ["HOME", "PATH", "REGION"]);
}

#[tokio::test]
async fn a_failure_is_told_with_its_words_and_without_anything_like_a_key() {
    let told = async |script: &str| print(&["/bin/sh", "-c", script], b"").await.err().unwrap().to_string();
    let key = STANDARD.encode(KEY);
    let script =
        format!("echo {key}; echo 'AccessDenied: no\n grant:' >&2; echo 'key={key}, {key}' >&2; exit 3");
    assert_eq!(
        told(&script).await,
        "/bin/sh ended with exit status: 3: AccessDenied: no grant: [left out], [left out]"
    );
    assert_eq!(told("exit 1").await, "/bin/sh ended with exit status: 1");
    // A key that is cut off, and bytes.
    let cut = told(&format!("yes word | head -c 2020 >&2; echo {key} >&2; exit 1")).await;
    assert!(cut.ends_with("word word") && !cut.contains("MDEyMzQ1"), "{cut}");
    assert_eq!(
        told(r"printf 'key \377\376secret' >&2; exit 1").await,
        "/bin/sh ended with exit status: 1: it wrote no text to its standard error"
    );
    assert_eq!(
        print(&["/no/such/program"], b"").await.err().unwrap().to_string(),
        "/no/such/program cannot be run: No such file or directory (os error 2)"
    );
}

#[tokio::test]
async fn what_a_program_prints_is_bounded_and_must_be_a_key() {
    let large =
        print(&["/bin/sh", "-c", "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2"], b"").await;
    assert!(matches!(large, Err(WrappingError::TooMuch { .. })));
    let largest = print(&["/usr/bin/head", "-c", &LARGEST.to_string(), "/dev/zero"], b"").await;
    assert_eq!(largest.unwrap().printed.len(), LARGEST);
    // Nobody reads the input, which is more than a pipe holds.
    assert!(print(&["/bin/true"], &vec![0; 1_000_000]).await.is_ok());
    let not_a_key = program(&["/bin/echo", "secret"], &[], Duration::from_secs(30));
    let told = unwrap(&not_a_key, b"", &environment()).await.err().unwrap().to_string();
    assert_eq!(told, "/bin/echo did not print a key: 32 bytes, plain or in base64");
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let numbers = folder.path().join("numbers");
    let script = format!(
        "sleep 600 & echo $! $$ > {0}.new; mv {0}.new {0}; echo waiting >&2; wait",
        numbers.display()
    );
    // Long enough for the script to write its numbers first, on a busy machine.
    let slow = program(&["/bin/sh", "-c", &script], &[], Duration::from_secs(2));
    let told = unwrap(&slow, b"", &environment()).await.err().unwrap().to_string();
    assert_eq!(told, "/bin/sh did not end within 2s, and was killed: waiting");
    let numbers = std::fs::read_to_string(numbers).unwrap();
    let runs = |number: &str| {
        let status = std::fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
        // One that was killed and not yet collected by the system is a zombie.
        status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
    };
    for number in numbers.split_whitespace() {
        while runs(number) {
            tokio::task::yield_now().await;
        }
    }
}
