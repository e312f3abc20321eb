// What Klarna's script does for the snippet: shows the checkout in a frame, and offers suspend and resume.
(() => {
  const script = document.currentScript;
  const frame = document.createElement("iframe");
  frame.src = script.src.replace(/checkout\.js$/, "checkout/" + script.dataset.orderId);
  frame.title = "Klarna Checkout";
  frame.style.cssText = "width: 100%; height: 24rem; box-sizing: border-box; border: 1px solid #bbb";
  script.parentElement.append(frame);
  const api = {
    suspend() {
      frame.inert = true;
      frame.style.opacity = 0.4;
    },
    resume() {
      frame.inert = false;
      frame.style.opacity = 1;
      frame.src = frame.src; // reads the order again
    },
    on() {},
  };
  window._klarnaCheckout = (callback) => callback(api);
})();
