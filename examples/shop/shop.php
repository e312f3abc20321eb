<?php
// A shop's side of klarna-order-worker in PHP 8, without packages: php -S 127.0.0.1:3000 shop.php
// Copy `worker`, `signedIn` and `checkout` into your shop. The rest is a small server to try them with.
const MERCHANT = 'shop'; // the merchant's section in the worker's settings

function worker(string $method, string $path, array $body = [], array $headers = []): ?array
{
    $headers = [...$headers, 'Authorization: Bearer ' . getenv('KLARNA_WORKER_KEY'), 'Content-Type: application/json'];
    $http = ['method' => $method, 'header' => $headers, 'content' => json_encode($body), 'ignore_errors' => true];
    $context = stream_context_create(['http' => $http + ['timeout' => 40]]); // must be longer than the wait below
    $answer = file_get_contents((getenv('KLARNA_WORKER_URL') ?: 'http://127.0.0.1:8080') . $path, false, $context);
    if ($answer === false || !preg_match('~^HTTP/\S+ 2~', $http_response_header[0])) {
        throw new RuntimeException("$method $path: " . ($http_response_header[0] ?? 'no answer') . " $answer");
    }
    return json_decode($answer, true);
}

// Call this after each sign-in. From now on the worker keeps the refresh token. Do not store it or use it yourself.
function signedIn(string $user, string $refreshToken): void
{
    worker('PUT', '/v1/merchants/' . MERCHANT . '/users/' . rawurlencode($user) . '/token', ['refresh_token' => $refreshToken]);
}

// Call this on the checkout page. The cart's id is the idempotency key, so reloading the page does not order twice.
function checkout(string $user, array $cart): array
{
    $body = ['merchant' => MERCHANT, 'user' => $user, 'order' => $cart['order']];
    $order = worker('POST', '/v1/orders', $body, ["Idempotency-Key: {$cart['id']}"]);
    return in_array($order['status'], ['submitted', 'failed', 'cancelled']) ? $order : worker('GET', "/v1/orders/{$order['id']}?wait=25s");
}

function page(string $page, string $user, string $state, array $cart): array
{
    try {
        if ($page === 'GET /') return [200, "<div id=\"klarna-sign-in\" data-state=\"$state\"></div>"];
        if ($page === 'POST /klarna/signed-in') { // what the page posts from Klarna's `signin` event
            $sent = json_decode(file_get_contents('php://input'), true);
            if (!hash_equals($state, (string) $sent['state'])) return [403, 'This sign-in was not started here.'];
            return [204, signedIn($user, $sent['refresh_token'])];
        }
        if ($page !== 'GET /checkout') return [404, 'Not found.'];
        $order = checkout($user, $cart);
        if (($order['session']['phase'] ?? '') === 'completed') return [200, 'Thank you. Your order is paid.'];
        if ($order['status'] === 'submitted') return [200, $order['html_snippet']];
        if (in_array($order['status'], ['queued', 'running'])) return [202, 'Your order is not ready yet. <a href>Try again</a>, or pay another way.'];
        session_start(); // The order failed or was cancelled: the next visit makes a new one.
        $_SESSION['cart']['id'] = bin2hex(random_bytes(16));
        return [502, 'Klarna does not take this order. Please pay another way.'];
    } catch (Throwable $error) {
        error_log($error->getMessage());
        return [502, 'Klarna is not available at the moment. Please pay another way.'];
    }
}

session_start(); // Replace this with your shop's session, cart and anti-forgery token.
$line = ['name' => 'T-shirt', 'quantity' => 5, 'unit_price' => 10000, 'tax_rate' => 2500, 'total_amount' => 50000, 'total_tax_amount' => 10000];
$order = ['purchase_country' => 'SE', 'purchase_currency' => 'SEK', 'locale' => 'sv-SE', 'order_amount' => 50000, 'order_tax_amount' => 10000, 'order_lines' => [$line]];
$_SESSION += ['user' => getenv('SHOP_USER') ?: 'alma', 'state' => bin2hex(random_bytes(16)), 'cart' => ['id' => bin2hex(random_bytes(16)), 'order' => $order]];
[$user, $state, $cart] = [$_SESSION['user'], $_SESSION['state'], $_SESSION['cart']];
session_write_close(); // otherwise the shopper's other pages wait for this one
[$status, $text] = page("$_SERVER[REQUEST_METHOD] $_SERVER[REQUEST_URI]", $user, $state, $cart);
http_response_code($status);
echo $text;
