"""Uses the published package as a shop does: a token, an order, a change, a read, and errors."""
import os

from klarna_order_worker_client import AuthenticatedClient
from klarna_order_worker_client.api.orders import get_order, submit_order, update_order
from klarna_order_worker_client.api.tokens import register_token
from klarna_order_worker_client.models import KlarnaOrder, Order, OrderRequest, OrderUpdate, ProblemDetails, Status, TokenRequest

worker = AuthenticatedClient(os.environ["KLARNA_WORKER_URL"], os.environ["KLARNA_WORKER_API_KEY"], timeout=40)


def order(quantity, **others):
    total, tax = quantity * 10_000, quantity * 2_000
    line = {"name": "T-shirt", "quantity": quantity, "unit_price": 10_000, "tax_rate": 2500, "total_amount": total, "total_tax_amount": tax}
    body = {"purchase_country": "SE", "purchase_currency": "SEK", "locale": "sv-SE", "order_amount": total, "order_tax_amount": tax}
    return KlarnaOrder.from_dict({**body, "order_lines": [line], **others})


registered = register_token.sync_detailed("shop", "python", client=worker, body=TokenRequest(os.environ["REFRESH_TOKEN"]))
assert registered.status_code == 204, registered

request = OrderRequest(merchant="shop", user="python", order=order(5))
submitted = submit_order.sync(client=worker, body=request, idempotency_key="cart-python")
assert isinstance(submitted, Order), submitted

read = get_order.sync(submitted.id, client=worker, wait="25s")
assert isinstance(read, Order) and read.status is Status.SUBMITTED and str(read.token) == "fresh", read
assert isinstance(read.html_snippet, str) and read.html_snippet.startswith("<div"), read

version = f'"{read.version}"'
changed = update_order.sync(read.id, client=worker, body=OrderUpdate(order(4)), if_match=version)
assert isinstance(changed, Order) and changed.order_amount == 40_000, changed
stale = update_order.sync(read.id, client=worker, body=OrderUpdate(order(3)), if_match=version)
assert isinstance(stale, ProblemDetails) and stale.status == 412, stale

wrong = submit_order.sync(client=worker, body=OrderRequest("shop", order(5, order_amount=1), "python"))
assert isinstance(wrong, ProblemDetails) and wrong.status == 422 and wrong.faults[0].pointer == "/order/order_amount", wrong
print("Python: ok")
