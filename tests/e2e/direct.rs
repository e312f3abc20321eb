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
    // Once a second the queue looks for orders that nobody told it of. One that comes at that
    // moment is claimed by that look. A busy machine has more of these moments.
    let direct = "(SELECT count(*) FROM {schema}orders WHERE first_claimed_at = accepted_at AND first_due_at = due_at AND claim_number = 1)";
    let mut earlier = 0;
    for round in 0.. {
        for (user, _) in &users {
            let id = client.post(user, &format!("{user}-{round}")).await;
            client.all_submitted_fresh(&[id], PATIENCE).await;
        }
        let direct: usize = shop.database.value(shop.folder.path(), direct).await.parse().unwrap();
        if direct - earlier > ORDERS / 2 {
            break;
        }
        earlier = direct;
        assert!(round < 3, "only {direct} of {} orders were claimed by their insert", 4 * ORDERS);
    }
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
