//! Reads the query parameter `wait`.

use std::time::Duration;

use super::super::extract::invalid;
use super::super::problem::Problem;

/// The longest wait. Proxies close silent connections after about this time.
const LONGEST: Duration = Duration::from_mins(1);

/// Reads `wait`: `25s`, `1m 5s`, or a number of seconds.
pub(super) fn read(wait: Option<&str>) -> Result<Duration, Problem> {
    let Some(text) = wait else { return Ok(Duration::ZERO) };
    let seconds = text.parse().ok().map(Duration::from_secs);
    let wait = seconds.or_else(|| humantime::parse_duration(text).ok());
    let wait = wait.ok_or_else(|| invalid("wait: is not a duration; write 25s or 25, for example"))?;
    Ok(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_capped() {
        let millis = |text| read(text).map(|wait| wait.as_millis());
        assert_eq!(millis(None).unwrap(), 0);
        assert_eq!(millis(Some("0")).unwrap(), 0);
        assert_eq!(millis(Some("25")).unwrap(), 25_000);
        assert_eq!(millis(Some("1500ms")).unwrap(), 1_500);
        for long in ["61", "2m", "18446744073709551615", "90days"] {
            assert_eq!(millis(Some(long)).unwrap(), 60_000, "{long}");
        }
        for bad in ["", "soon", "-5", "5 bananas", "99999999999999999999"] {
            assert!(millis(Some(bad)).is_err(), "{bad}");
        }
    }
}
