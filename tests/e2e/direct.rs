//! Orders that start in the process that accepts them.

use std::time::Duration;

use test_support::engine::{Database, both_engines};
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);
const ORDERS: usize = 6;

both_engines!(orders_of_an_idle_service_start_with_their_insert);

async fn orders_of_an_idle_service_start_with_their_insert(database: Database) {
    let shop = Shop::open(database, &[], "");
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(ORDERS).await;
    client.register_all(&users).await;
    for (user, _) in &users {
        let id = client.post(user, user).await;
        client.all_submitted_fresh(&[id], PATIENCE).await;
    }
    // Once a second the queue looks for orders that nobody told it of. One that comes at that moment is
    // claimed by that look.
    let direct =
        "(SELECT count(*) FROM {schema}orders WHERE first_claimed_at = accepted_at AND claim_number = 1)";
    let direct: usize = shop.database.value(shop.folder.path(), direct).await.parse().unwrap();
    assert!(direct > ORDERS / 2, "only {direct} of {ORDERS} orders were claimed by their insert");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
