//! The HTTP client for the collector of traces. A collector is another service: what it answers has
//! a bound and a deadline, and a redirect is not followed, so that the headers for it go nowhere
//! else.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{Request, Response};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use reqwest::Client;
use reqwest::redirect::Policy;

use super::TelemetryError;

/// The most that is read of an answer. Usually it is empty, or says how many spans were refused.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The time for a request and its answer, unless the environment sets one. OpenTelemetry's default.
const DEADLINE: Duration = Duration::from_secs(10);

/// Sends requests one after the other, on the exporter's thread.
#[derive(Debug)]
pub(super) struct CollectorClient {
    client: Client,
    deadline: Duration,
}

impl CollectorClient {
    /// A client with the deadline of OpenTelemetry's variables.
    pub(super) fn new(environment: &BTreeMap<String, String>) -> Result<Self, TelemetryError> {
        let variables = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
        let mut given = variables.iter().filter_map(|name| environment.get(*name)?.trim().parse().ok());
        Self::with_deadline(given.next().map_or(DEADLINE, Duration::from_millis))
    }

    fn with_deadline(deadline: Duration) -> Result<Self, TelemetryError> {
        let client = Client::builder().redirect(Policy::none()).pool_max_idle_per_host(0).build();
        Ok(Self { client: client.map_err(TelemetryError::Client)?, deadline })
    }

    /// The status of a longer answer counts, and its text does not.
    async fn answer(&self, request: reqwest::Request) -> Result<Response<Bytes>, HttpError> {
        let mut answer = self.client.execute(request).await?;
        let mut text = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            if text.len() + piece.len() > LONGEST_ANSWER {
                text.clear();
                break;
            }
            text.extend_from_slice(&piece);
        }
        let mut response = Response::new(Bytes::from(text));
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    /// Blocks the exporter's thread, which no runtime runs. Each request has a runtime and a
    /// connection of its own: between two requests, nobody would notice that the collector has
    /// closed a connection.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = request.try_into()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer =
            runtime.block_on(async { tokio::time::timeout(self.deadline, self.answer(request)).await });
        // A name that is still being looked up is not waited for.
        runtime.shutdown_background();
        answer.map_err(|_| "the answer took too long")?
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    const A_MINUTE: Duration = Duration::from_mins(1);
    const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";

    /// Sends a request to a collector that answers with a head, and then with `more` again and
    /// again for as long as the client takes it. Returns status and length of the answer.
    fn answered(
        head: &'static str,
        more: &'static [u8],
        deadline: Duration,
    ) -> Result<(u16, usize), HttpError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let serving = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap());
            while request.by_ref().lines().next().unwrap().unwrap() != "" {}
            request.read_exact(&mut [0; 5]).unwrap();
            let mut written = stream.write_all(head.as_bytes());
            while written.is_ok() && !more.is_empty() {
                written = stream.write_all(more);
                thread::sleep(Duration::from_millis(u64::from(more.len() == 1)));
            }
        });
        let client = CollectorClient::with_deadline(deadline).unwrap();
        let request = Request::post(url).body(Bytes::from_static(b"spans")).unwrap();
        let answer = futures::executor::block_on(client.send_bytes(request));
        serving.join().unwrap();
        answer.map(|answer| (answer.status().as_u16(), answer.body().len()))
    }

    #[test]
    fn an_answer_without_an_end_is_read_to_its_bound() {
        assert_eq!(answered(OK, &[b'a'; 10_000], A_MINUTE).unwrap(), (200, 0));
        // Chunks of 4096 bytes, each with the heads of others in it.
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(answered(chunked, b"1000\r\n", A_MINUTE).unwrap(), (200, 0));
        let short = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
        assert_eq!(answered(short, b"", A_MINUTE).unwrap(), (503, 4));
    }

    #[test]
    fn an_answer_that_trickles_in_ends_at_the_deadline() {
        answered(OK, b"a", Duration::from_millis(300)).unwrap_err();
    }

    #[test]
    fn a_redirect_is_an_answer() {
        let moved = "HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(answered(moved, b"", A_MINUTE).unwrap(), (307, 0));
    }

    #[test]
    fn the_environment_names_the_deadline() {
        let deadline = |variables: &[(&str, &str)]| {
            let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            CollectorClient::new(&environment.collect()).unwrap().deadline
        };
        assert_eq!(deadline(&[]), DEADLINE);
        assert_eq!(deadline(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")]), DEADLINE);
        let (all, traces) =
            (("OTEL_EXPORTER_OTLP_TIMEOUT", "5000"), ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "700"));
        assert_eq!(deadline(&[all]), Duration::from_secs(5));
        assert_eq!(deadline(&[all, traces]), Duration::from_millis(700));
    }
}
