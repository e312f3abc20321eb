//! What an answer says about when to call again.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::breaker::UsedUp;

/// Klarna's headers about its limits of calls. <https://docs.klarna.com/api/rate-limit/>
const LIMIT: &str = "x-ratelimit-limit";
const REMAINING: &str = "x-ratelimit-remaining";
const RESET: &str = "x-ratelimit-reset";

/// The longest `X-Ratelimit-Reset` that is believed. Some services send a point in time in this
/// header. Read as a duration, it would be decades.
const LONGEST_RESET: Duration = Duration::from_hours(24);

/// Returns that Klarna's limit of calls is used up, if an answer says so: `X-Ratelimit-Remaining`
/// is 0, and `X-Ratelimit-Reset` says how many seconds remain until the next interval. Klarna sends
/// such headers with every answer; `X-Ratelimit-Limit` begins with the limit (`40, 40;w=1`). Values
/// of other kinds are ignored. A pause longer than `longest` is shortened to it.
pub(crate) fn used_up(headers: &HeaderMap, longest: Duration) -> Option<UsedUp> {
    let number = |name| {
        let text = headers.get(name)?.to_str().ok()?;
        text.split([',', ';']).next()?.trim().parse::<u32>().ok()
    };
    let reset = Duration::from_secs(number(RESET)?.into());
    let used_up = number(REMAINING) == Some(0) && !reset.is_zero() && reset <= LONGEST_RESET;
    used_up.then(|| UsedUp { limit: number(LIMIT), wait: reset.min(longest) })
}

/// Returns the pause that an answer asks for: `Retry-After` in seconds or as an HTTP date (RFC 9110
/// section 10.2.3), or else Klarna's `X-Ratelimit-Reset` in seconds. A date is compared with the
/// answer's own `Date`, so that our clock does not matter. A pause of zero, or until a time that is
/// over, is none: the caller's own pause counts, or the same call would follow at once. A pause
/// longer than `longest` is shortened to it.
pub(crate) fn retry_after(headers: &HeaderMap, longest: Duration) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok();
    let until = |then: &str| (date(then)? - date(text(DATE.as_str())?)?).to_std().ok();

    text(RETRY_AFTER.as_str())
        .and_then(|value| seconds(value).or_else(|| until(value)))
        .filter(|wait| !wait.is_zero())
        .or_else(|| text(RESET).and_then(seconds).filter(|wait| !wait.is_zero() && *wait <= LONGEST_RESET))
        .map(|wait| wait.min(longest))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<u64> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        retry_after(&headers, Duration::from_hours(1)).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_limit_is_used_up_only_if_the_headers_say_so_plainly() {
        let told = |limit, remaining, reset| {
            let headers = [(LIMIT, limit), (REMAINING, remaining), (RESET, reset)].into_iter();
            let headers = headers
                .filter(|(_, value): &(_, &'static str)| !value.is_empty())
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            let used_up = used_up(&headers.collect(), Duration::from_mins(1))?;
            Some((used_up.limit, used_up.wait.as_secs()))
        };
        assert_eq!(told("40, 40;w=1", "0", "1"), Some((Some(40), 1)));
        assert_eq!(told("", " 0 ", "30"), Some((None, 30)));
        assert_eq!(told("many", "0", "3600"), Some((None, 60)), "at most the longest pause");
        for (remaining, reset) in
            [("15", "1"), ("", "1"), ("0", ""), ("0", "0"), ("0", "soon"), ("0", "-1"), ("none", "1")]
        {
            assert_eq!(told("40", remaining, reset), None, "{remaining:?} {reset:?}");
        }
        // A point in time, read as a duration.
        assert_eq!(told("40", "0", "1792567680"), None);
        assert_eq!(told("40", "0", "99999999999999999999"), None);
    }

    #[test]
    fn reads_every_form_of_a_requested_wait() {
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"), date]), Some(30));
        assert_eq!(wait(&[("x-ratelimit-reset", "3")]), Some(3));
        assert_eq!(wait(&[("retry-after", "2"), ("x-ratelimit-reset", "3")]), Some(2));
        assert_eq!(wait(&[("retry-after", "soon"), ("x-ratelimit-reset", "3")]), Some(3));
    }

    #[test]
    fn a_wait_of_nothing_is_none() {
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        assert_eq!(wait(&[("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT"), date]), None);
        assert_eq!(wait(&[("retry-after", "0")]), None);
        assert_eq!(wait(&[("x-ratelimit-reset", "0")]), None);
        assert_eq!(wait(&[("retry-after", "0"), ("x-ratelimit-reset", "3")]), Some(3));
    }

    #[test]
    fn absurd_waits_are_cut_or_ignored() {
        assert_eq!(wait(&[("retry-after", "99999999")]), Some(3600));
        assert_eq!(wait(&[("x-ratelimit-reset", "7200")]), Some(3600));
        assert_eq!(wait(&[("x-ratelimit-reset", "1792567680")]), None);
        assert_eq!(wait(&[("retry-after", "-1")]), None);
        assert_eq!(wait(&[("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT")]), None);
        assert_eq!(wait(&[]), None);
    }
}
