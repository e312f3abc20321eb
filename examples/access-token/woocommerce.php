<?php
// For the plugin "Klarna Payments for WooCommerce": its sessions get the shopper's access token from klarna-order-worker.
// wp-config.php defines KLARNA_WORKER_URL, and KLARNA_WORKER_API_KEY with the scope "tokens:vend".
add_filter('kp_get_customer_type', function (array $customer): array {
    unset($customer['klarna_access_token']); // the plugin's own, if it has one
    $path = '/v1/merchants/shop/users/' . get_current_user_id() . '/access-token';
    // Shorter than the service's vault.token_patience: a slow exchange goes on, and the next page has its token.
    $request = ['timeout' => 10, 'headers' => ['Authorization' => 'Bearer ' . KLARNA_WORKER_API_KEY]];
    $answer = is_user_logged_in() ? wp_remote_post(KLARNA_WORKER_URL . $path, $request) : null;
    // 404 and 409: the shopper must sign in. 503: not now. Without a token, Klarna asks the shopper to sign in.
    if (wp_remote_retrieve_response_code($answer) === 200) {
        $customer['klarna_access_token'] = json_decode(wp_remote_retrieve_body($answer))->access_token;
    }
    return $customer;
});
