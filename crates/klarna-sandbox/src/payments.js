// What Klarna's script does for a session of Klarna Payments: shows it in a frame, and has it authorised.
(() => {
  const base = document.currentScript.src.replace(/\.js$/, "");
  let token;
  const Payments = {
    init({ client_token }) {
      token = client_token;
    },
    load({ container }, ...more) {
      const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
      const frame = document.createElement("iframe");
      frame.src = `${base}/${claims.session_id}`;
      frame.title = "Pay with Klarna";
      frame.style.cssText = "width: 100%; height: 24rem; box-sizing: border-box; border: 1px solid #bbb";
      document.querySelector(container).replaceChildren(frame);
      more.at(-1)({ show_form: true });
    },
    // The shopper agrees at once.
    async authorize(...more) {
      const answer = await fetch(`${base}/authorize`, { method: "POST", body: token }).catch(() => undefined);
      more.at(-1)(answer?.ok ? await answer.json() : { approved: false, show_form: true });
    },
  };
  window.Klarna = { ...window.Klarna, Payments };
  const ready = () => window.klarnaAsyncCallback?.();
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
