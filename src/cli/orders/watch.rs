//! `orders list --watch`

use std::time::Duration;

use tokio::time::sleep;

use super::{Filter, Page, read, table};
use crate::app::App;
use crate::cli::output::Screen;
use crate::cli::views::time;
use crate::cli::{CliError, Context, Exit, Format};
use crate::lifecycle::Shutdown;
use crate::store::OrderFilter;

/// How often the list is read.
const EVERY: Duration = Duration::from_secs(2);
/// The lines that are not rows: the title, the table's header, and the line of the cursor.
const NO_ROWS: usize = 3;

/// Shows the list until a signal asks for the end.
pub(super) async fn run(context: &Context, filter: &Filter) -> Result<Exit, CliError> {
    let screen = Screen::of_stdout().filter(|_| context.output.format() == Format::Human);
    let Some(screen) = screen else {
        let wrong = "--watch redraws the list on a terminal, and this output is none or JSON: leave --watch out, \
             and repeat the command instead";
        return Err(CliError::Usage(wrong.to_owned()));
    };
    let shutdown = Shutdown::install().map_err(|error| CliError::failed("handle signals", error))?;
    let app = tokio::select! {
        () = shutdown.soft() => return Ok(Exit::Done),
        app = context.app_to_read() => app?,
    };
    screen.clear()?;
    loop {
        let (height, width) = screen.size();
        // While the database does not answer, the last line says so, and the list is tried again.
        let text = tokio::select! {
            () = shutdown.soft() => return Ok(Exit::Done),
            text = shown(&app, filter, height, width) => text.unwrap_or_else(|error| error),
        };
        screen.draw(&text, height, width)?;
        tokio::select! {
            () = shutdown.soft() => return Ok(Exit::Done),
            () = sleep(EVERY) => {}
        }
    }
}

async fn shown(app: &App, filter: &Filter, height: usize, width: usize) -> Result<String, String> {
    let rows = u32::try_from(height.saturating_sub(NO_ROWS).max(1)).unwrap_or(u32::MAX);
    let page = Page { limit: filter.page.limit.min(rows), cursor: filter.page.cursor };
    let (status, target) = (filter.status, filter.target);
    let wanted = OrderFilter { status, target, ..filter.selection.filter(&app.clock) };
    let now = time(app.clock.now());
    let orders = read(app, wanted, &page, "list orders").await.map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{now}  {error}{cause}; trying again")
    })?;
    let title = format!("{now}  every {} s; Ctrl-C ends", EVERY.as_secs());
    Ok(format!("{title}\n{}", table(&orders).fitted(Some(width))))
}
