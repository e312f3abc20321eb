//! Several statements in one round trip to the thread that has the connection.

/// Returns the statements as one text. Its parameters are those of the first statement, then those of
/// the second, and so on.
pub(super) fn together(statements: &[&str]) -> String {
    let (mut text, mut before) = (String::new(), 0);
    for statement in statements {
        let mut parts = statement.split('$');
        text.push_str(parts.next().unwrap_or_default());
        let mut most = 0;
        for part in parts {
            text.push('$');
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            if let Ok(number) = number.parse::<usize>() {
                most = most.max(number);
                text.push_str(&(before + number).to_string());
            }
            text.push_str(rest);
        }
        text.push(';');
        before += most;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::together;

    #[test]
    fn parameters_are_numbered_through() {
        let text = together(&["SELECT $1, $2, $1", "SELECT $2 ->> '$.code', $1", "SELECT 1", "SELECT $1"]);
        assert_eq!(text, "SELECT $1, $2, $1;SELECT $4 ->> '$.code', $3;SELECT 1;SELECT $5;");
    }
}
