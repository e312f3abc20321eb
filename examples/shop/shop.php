<?php
// A small shop with klarna-order-worker in PHP 8, without packages: php -S 127.0.0.1:3000 shop.php
// Copy `worker`, `signedIn` and `checkout` into your shop, and what you need of the sign-in. The rest is pages to try them.
function setting(string $name, string $default): string { return getenv($name) ?: $default; }
define('URL', setting('KLARNA_WORKER_URL', 'http://127.0.0.1:8080'));
define('KEY', setting('KLARNA_WORKER_API_KEY', ''));
define('MERCHANT', setting('KLARNA_WORKER_MERCHANT', 'shop')); // the merchant's section in the worker's settings
define('SHOP', setting('SHOP_URL', "http://$_SERVER[HTTP_HOST]")); // as browsers and Klarna reach this shop
// Klarna's pushes go to the worker, at its address in the internet, with the merchant's push_secret.
define('PUSH', setting('PUSH_URL', URL . '/v1/push/' . MERCHANT . '/sandbox-push-secret-of-this-machine'));
define('LOGIN', setting('KLARNA_LOGIN_URL', 'http://127.0.0.1:8090/eu/lp/idp')); // the sandbox
define('CLIENT_ID', setting('KLARNA_CLIENT_ID', 'sandbox-client'));
define('CLIENT_SECRET', setting('KLARNA_CLIENT_SECRET', '')); // of a confidential client
define('SCOPE', setting('KLARNA_SCOPE', 'openid offline_access payment:request:create profile:name profile:email profile:billing_address'));
// SHOP_USER makes every visitor this customer: for tests of a sign-in that your shop has itself.

class Refused extends RuntimeException { public int $after = 1; } // seconds until the same request can be sent again

function send(string $method, string $url, string $body, array $headers, int $timeout): ?array
{
    $http = ['method' => $method, 'header' => $headers, 'content' => $body, 'ignore_errors' => true, 'timeout' => $timeout];
    $answer = @file_get_contents($url, false, stream_context_create(['http' => $http]));
    $status = (int) (explode(' ', $http_response_header[0] ?? '')[1] ?? 0);
    if ($answer !== false && $status >= 200 && $status < 300) return json_decode($answer, true);
    // The answer's body says what is wrong. Status 0: not reached.
    $refused = new Refused("$method $url: " . ($status ? "$status $answer" : 'no answer: ' . (error_get_last()['message'] ?? '')), $status);
    if (preg_match('/^retry-after: (\d+)/im', implode("\n", $http_response_header ?? []), $after)) $refused->after = (int) $after[1];
    throw $refused;
}

function worker(string $method, string $path, ?array $body = null, array $headers = []): ?array
{
    $headers = [...$headers, 'Content-Type: application/json', ...(KEY ? ['Authorization: Bearer ' . KEY] : [])];
    for ($tries = 2, $begun = time(); ; $tries--) {
        try {
            return send($method, URL . $path, $body ? json_encode($body) : '', $headers, 40); // longer than the wait below
        } catch (Refused $error) {
            if (in_array($error->getCode(), [401, 403])) error_log('The service refuses this API key: set KLARNA_WORKER_API_KEY.');
            if (!in_array($error->getCode(), [0, 503]) || $tries === 0 || time() - $begun > 30) throw $error;
            sleep(min($error->after, 2)); // Not now, or not reached: the same request can be sent again.
        }
    }
}

// Call this after each sign-in. From now on the worker keeps the refresh token. Do not store it or use it yourself.
function signedIn(string $user, string $token): void { worker('PUT', '/v1/merchants/' . MERCHANT . '/users/' . rawurlencode($user) . '/token', ['refresh_token' => $token]); }

// Call this for the checkout page. It submits the cart's order, and changes the order after the cart was changed.
// The cart's id is the idempotency key, so loading the page twice does not order twice.
function checkout(string $user, array &$cart, array $body): array
{
    [$state] = readAll($cart['earlier']);
    if (in_array($state, ['paid', 'unknown'])) return ['state' => $state];
    try {
        return present($user, $cart, $body);
    } catch (Refused $error) {
        if (!in_array($error->getCode(), [422, 503])) throw $error;
        error_log($error->getMessage());
        if ($error->getCode() === 503) return ['state' => 'wait'];
        if (!$cart['order']) $cart = renewed($cart); // The same key with another order would be refused.
        return ['state' => 'failed'];
    }
}

// Reads orders of one cart at Klarna. Another window may still show one from before a sign-in, and take its payment.
function readAll(array $ids): array
{
    [$states, $paid] = [[], []];
    foreach (array_filter($ids) as $id) {
        try {
            $order = worker('GET', "/v1/orders/$id?refresh=true");
            $phase = $order['session']['phase'] ?? 'open';
            $states[] = $phase === 'open' && isset($order['refresh_error']) ? 'unknown' : $phase;
            if ($phase === 'completed') $paid[] = $order;
        } catch (Refused $error) {
            error_log($error->getMessage());
            $states[] = $error->getCode() === 404 ? 'open' : 'unknown'; // 404: It was deleted.
        }
    }
    return [$paid ? 'paid' : (current(array_intersect(['unknown', 'open'], $states)) ?: 'ended'), $paid];
}

function present(string $user, array &$cart, array $body): array
{
    $order = null;
    try {
        // A changed cart is sent below. An unchanged one is read at Klarna: its order may have ended there.
        $refresh = $cart['sent'] == $body ? '?refresh=true' : '';
        if ($cart['order']) $order = worker('GET', "/v1/orders/$cart[order]$refresh");
    } catch (Refused $error) {
        if ($error->getCode() !== 404) throw $error;
        $cart = renewed($cart); // The order was deleted.
    }
    if (!($known = $order !== null)) {
        $request = ['merchant' => MERCHANT, 'user' => $user, 'order' => $body];
        $order = worker('POST', '/v1/orders', $request, ["Idempotency-Key: $cart[id]"]);
        [$cart['order'], $cart['sent']] = [$order['id'], $body];
    }
    $waits = ['queued', 'running'];
    if (in_array($order['status'], $waits)) $order = worker('GET', "/v1/orders/$order[id]?wait=25s");
    if ($order['status'] === 'submitted' && $cart['sent'] != $body) {
        try {
            $order = worker('PUT', "/v1/orders/$order[id]", ['order' => $body], ["If-Match: \"$order[version]\""]);
            $cart['sent'] = $body;
        } catch (Refused $error) {
            if (!in_array($error->getCode(), [409, 412])) throw $error; // It is paid, has ended, or was changed in another window.
            $order = worker('GET', "/v1/orders/$order[id]?refresh=true");
            $isPaid = isset($order['refresh_error']) || ($order['session']['phase'] ?? '') === 'completed'; // or perhaps
            // The order is too old to be changed.
            if (!$isPaid && str_contains($error->getMessage(), ':problem:body-gone')) return anew($user, $cart, $body);
        }
    }
    // Klarna's answer did not show it, and it could not be read at once.
    if ($order['status'] === 'submitted' && !isset($order['html_snippet'])) $order = worker('GET', "/v1/orders/$order[id]?refresh=true");
    $phase = $order['session']['phase'] ?? '';
    if ($phase === 'completed') return ['state' => 'paid'];
    $open = isset($order['html_snippet']) && $phase !== 'ended';
    $signIn = in_array($order['token'] ?? '', ['not_registered', 'reauth_required']); // a sign-in would help
    if ($open && $cart['sent'] == $body) return ['state' => 'open', 'html' => $order['html_snippet'], 'signIn' => $signIn];
    if ($open || in_array($order['status'], $waits)) return ['state' => 'wait'];
    if ($known && $order['status'] === 'submitted' && isset($order['refresh_error']) && $phase !== 'ended') return ['state' => 'unknown']; // perhaps paid
    $cart = renewed($cart); // It can no longer be paid, and a new order follows; or it failed or was cancelled: the next visit makes a new one.
    return $known && $order['status'] === 'submitted' ? present($user, $cart, $body) : ['state' => 'failed'];
}

function anew(string $user, array &$cart, array $body): array { $cart = renewed($cart, true); return present($user, $cart, $body); }
function base64url(string $bytes): string { return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '='); }

// The sign-in by OpenID Connect: first to Klarna's page, and back to /callback with a code.
function signInAddress(string $next): string
{
    $_SESSION['next'] = in_array($next, ['/checkout', '/app']) ? $next : '/'; // where the shopper goes on
    $new = fn (): string => base64url(random_bytes(32));
    $_SESSION['sign_in'] = ['state' => $new(), 'nonce' => $new(), 'verifier' => $new()];
    ['state' => $state, 'nonce' => $nonce, 'verifier' => $verifier] = $_SESSION['sign_in'];
    $pkce = ['code_challenge' => base64url(hash('sha256', $verifier, true)), 'code_challenge_method' => 'S256'];
    $ask = ['response_type' => 'code', 'client_id' => CLIENT_ID, 'redirect_uri' => SHOP . '/callback', 'scope' => SCOPE, 'state' => $state, 'nonce' => $nonce];
    return LOGIN . '/oauth2/auth?' . http_build_query($ask + $pkce);
}

function finishSignIn(): ?string
{
    $started = $_SESSION['sign_in'] ?? null;
    unset($_SESSION['sign_in']); // Each is accepted once.
    if (!$started || !hash_equals($started['state'], (string) ($_GET['state'] ?? ''))) return 'This sign-in was not started here.';
    if (empty($_GET['code'])) return 'You are not signed in.'; // The shopper declined.
    $form = ['grant_type' => 'authorization_code', 'code' => $_GET['code'], 'redirect_uri' => SHOP . '/callback', 'client_id' => CLIENT_ID];
    $form = http_build_query($form + ['code_verifier' => $started['verifier']] + (CLIENT_SECRET ? ['client_secret' => CLIENT_SECRET] : []));
    $tokens = send('POST', LOGIN . '/oauth2/token', $form, ['Content-Type: application/x-www-form-urlencoded'], 20);
    // The id_token comes from Klarna directly, so its signature need not be checked (OpenID Connect Core 3.1.3.7).
    $claims = json_decode(base64_decode(strtr(explode('.', $tokens['id_token'])[1], '-_', '+/')), true);
    $issuers = [LOGIN, preg_replace('~^(https?://[^/]+).*~', '$1', LOGIN)];
    $genuine = in_array($claims['iss'], $issuers, true) && in_array(CLIENT_ID, (array) $claims['aud'], true);
    if (!$genuine || $claims['nonce'] !== $started['nonce'] || $claims['exp'] < time()) throw new RuntimeException('not an id_token for this shop');
    $user = $claims['sub']; // Your shop: the id of the customer who has this `sub`, or of a new one.
    signedIn($user, $tokens['refresh_token']);
    session_regenerate_id(true);
    $_SESSION['user'] = $user; // Not before the token is stored: if it is lost, the sign-in must be repeated.
    $_SESSION['name'] = trim(($claims['given_name'] ?? '') . ' ' . ($claims['family_name'] ?? '')) ?: $user;
    beginAnew();
    return null;
}

// Replace this with your shop's sessions and carts.
function renewed(array $cart, bool $keep = false): array
{
    if ($keep) $cart['earlier'] = array_filter([$cart['order'], ...$cart['earlier']]); // Another window may still show it.
    return ['id' => bin2hex(random_bytes(16)), 'order' => null, 'sent' => null] + $cart;
}
function newCart(): array { return renewed(['quantity' => 5, 'earlier' => []]); }
// After a sign-in: a guest's order has no access token.
function beginAnew(): void { if (!perhapsPaid()) $_SESSION['cart'] = renewed($_SESSION['cart'], true); }

function orderOf(array $cart): array
{
    [$total, $tax] = [$cart['quantity'] * 10000, $cart['quantity'] * 2000]; // 100 SEK each, 25 % of it tax on 80 SEK
    $line = ['name' => 'T-shirt', 'quantity' => $cart['quantity'], 'unit_price' => 10000, 'tax_rate' => 2500];
    $urls = ['terms' => SHOP . '/terms', 'checkout' => SHOP . '/checkout', 'confirmation' => SHOP . '/thanks'];
    return [
        'purchase_country' => 'SE', 'purchase_currency' => 'SEK', 'locale' => 'sv-SE', 'order_amount' => $total, 'order_tax_amount' => $tax,
        'order_lines' => [$line + ['total_amount' => $total, 'total_tax_amount' => $tax]],
        'merchant_urls' => $urls + ['push' => PUSH . '?klarna_order_id={checkout.order.id}'],
    ];
}

function setQuantity(mixed $quantity): void
{
    $cart = &$_SESSION['cart'];
    if (is_int($quantity) && $quantity >= 1 && $quantity <= 99) $cart['quantity'] = $quantity;
    if (!$cart['order']) $cart = renewed($cart); // The same key with another order would be refused.
}

function html(string $title, string $body): string
{
    return "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>$title</title><link rel=\"icon\" href=\"data:,\">
        <nav><a href=\"/\">Shop</a> <a href=\"/cart\">Cart</a></nav><h1>$title</h1>$body</html>";
}

// Whether Klarna sent the shopper to /thanks.
function perhapsPaid(): bool { return isset($_SESSION['returned']) && $_SESSION['returned'] === $_SESSION['cart']['order']; }
function again(string $text): string { return perhapsPaid() ? unconfirmed() : html('Checkout', "<p>$text <a href=\"/checkout\">Try again</a>, or pay another way.</p>"); }
function signInLink(string $next = '/', string $text = 'Sign in with Klarna'): string { return "<p><a href=\"/sign-in?next=$next\">$text</a></p>"; }
function unsigned(string $text): string { return html('Sign-in', "<p>$text</p>" . signInLink() . '<p>Or go on without: <a href="/cart">to the cart</a></p>'); }
// Klarna sent the shopper to /thanks, who has perhaps paid: never offer another payment then, on no page.
function unconfirmed(): string { return html('Payment', '<p>Klarna has your order, and it is being confirmed. Please do not pay again. <a href="/thanks">Look again</a></p>'); }

// Returns a status and a page, an address to go to, or JSON.
function page(string $request): array
{
    $cart = &$_SESSION['cart'];
    $text = file_get_contents('php://input');
    switch ($request) {
        case 'GET /':
            [$name, $user] = [htmlspecialchars($_SESSION['name'] ?? ''), htmlspecialchars($_SESSION['user'])];
            $who = $name ? "<p>You are signed in as $name. The service calls you <code>$user</code>.</p>" . signInLink('/', 'Sign in again') : signInLink();
            return [200, html('T-shirts', "$who<p>A T-shirt costs 100 SEK. <a href=\"/cart\">To the cart</a></p>
                <div id=\"klarna-sign-in\" data-state=\"$_SESSION[state]\"></div>")]; // for the button of Klarna's Web SDK, if you use it
        case 'GET /sign-in': return [303, signInAddress($_GET['next'] ?? '')];
        case 'GET /callback': return ($refused = finishSignIn()) ? [403, unsigned($refused)] : [303, $_SESSION['next']];
        // From the Web SDK's `signin` event, for a customer whom your shop knows. For others, verify the `id_token`, and use its `sub`.
        case 'POST /klarna/signed-in':
            $sent = json_decode($text, true);
            if (!hash_equals($_SESSION['state'], (string) $sent['state'])) return [403, 'This sign-in was not started here.'];
            signedIn($_SESSION['user'], $sent['refresh_token']);
            beginAnew();
            return [204, ''];
        case 'GET /cart': return [200, html('Cart', "<form method=\"post\"><label>T-shirts
                <input name=\"quantity\" type=\"number\" min=\"1\" max=\"99\" value=\"$cart[quantity]\"></label> <button>Change</button>
                <p>" . $cart['quantity'] * 100 . '.00 SEK. <button name="next" value="/checkout">To the checkout</button></p></form>')];
        case 'POST /cart':
            setQuantity((int) ($_POST['quantity'] ?? 0));
            return [303, ($_POST['next'] ?? '') === '/checkout' ? '/checkout' : '/cart'];
        case 'GET /checkout':
            $found = checkout($_SESSION['user'], $cart, orderOf($cart));
            return match ($found['state']) {
                'paid', 'unknown' => [303, '/thanks'],
                // The snippet as a whole: it has a script.
                'open' => [200, html('Checkout', ($found['signIn'] ? signInLink('/checkout') : '') . $found['html'] . '<p>The same in a <a href="/app">single-page app</a></p>')],
                'wait' => [202, again('Your order is not ready yet.')],
                'failed' => [502, again('Klarna does not take this order.')],
            };
        case 'GET /thanks':
            $of = $cart['order'] || $cart['earlier'] ? $cart : $_SESSION['paid'] ?? null;
            if (!$of) return [404, html('Thank you', '<p>There is no order yet.</p>')];
            $_SESSION['returned'] = $of['order'];
            [$state, $paid] = readAll([$of['order'], ...$of['earlier']]);
            if ($state === 'ended') return [200, html('Payment', '<p>This order was not paid, and can no longer be paid. <a href="/cart">To the cart</a></p>')];
            if ($state !== 'paid') return [200, unconfirmed()];
            if ($of === $cart) [$_SESSION['paid'], $cart] = [$cart, newCart()];
            $amount = fn (array $klarna): string => number_format($klarna['order_amount'] / 100, 2, '.', '') . " $klarna[purchase_currency]";
            $text = implode(' ', array_map(fn (array $order): string => "Paid: {$amount($order['session'])}, Klarna's order $order[klarna_order_id].", $paid));
            if (count($paid) > 1) error_log($text .= ' This cart was paid twice: one of these payments is to be refunded.'); // by your shop
            return [200, html('Thank you', "<p id=\"paid\">$text</p>" . ($paid[0]['html_snippet'] ?? ''))];
        case 'GET /terms': return [200, html('Terms', '<p>This shop sells nothing.</p>')];
        case 'GET /app': return [200, file_get_contents(__DIR__ . '/app.html')];
        case 'GET /api/checkout': // of the single-page app
        case 'POST /api/cart':
            if ($text) setQuantity(json_decode($text, true)['quantity'] ?? null);
            $found = checkout($_SESSION['user'], $cart, orderOf($cart));
            if ($found['state'] === 'failed' && perhapsPaid()) $found['state'] = 'unknown';
            return [200, ['quantity' => $cart['quantity']] + $found];
        default: return [404, html('Not found', '<p>There is no such page.</p>')];
    }
}

session_start(['cookie_httponly' => true, 'cookie_samesite' => 'Lax', 'cookie_secure' => str_starts_with(SHOP, 'https:')]);
$_SESSION += ['user' => getenv('SHOP_USER') ?: 'guest-' . bin2hex(random_bytes(16)), 'state' => bin2hex(random_bytes(16)), 'cart' => newCart()];
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
try {
    [$status, $content] = page("$_SERVER[REQUEST_METHOD] $path");
} catch (Throwable $error) {
    error_log($error->getMessage());
    $failures = ['/callback' => unsigned('The sign-in failed.'), '/thanks' => unconfirmed()];
    [$status, $content] = [502, $failures[$path] ?? again('Klarna is not available at the moment.')];
}
http_response_code($status);
if ($status === 303) header("Location: $content");
elseif (is_array($content)) header('Content-Type: application/json');
echo $status === 303 ? '' : (is_array($content) ? json_encode($content) : $content);
