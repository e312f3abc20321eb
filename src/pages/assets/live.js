// Updates a page, shows times as ages, and makes the key / jump to the search field. Pages work without it.
'use strict';

(() => {
  const EVERY = 2000;
  const PATIENCE = 10000;
  const indicator = document.getElementById('live');
  const policy = window.trustedTypes?.createPolicy('live', { createHTML: text => text });
  const parse = text => new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, 'text/html');

  // Each live part as the server last sent it. The shown one differs (times, opened details).
  const written = new Map();
  const live = root => [...root.querySelectorAll('[data-live][id]')];
  for (const part of live(document)) written.set(part.id, part.outerHTML);

  const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
  const UNITS = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
  function ago(time) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS[3];
    return words.format(Math.trunc(seconds / length), unit);
  }
  function tellTimes() {
    for (const time of document.querySelectorAll('time:not(.exact)')) {
      const text = ago(time);
      if (time.textContent !== text) time.textContent = text;
    }
  }

  // The focused element, as a description that also fits the new part.
  function focused(part) {
    const element = document.activeElement;
    if (!element || !part.contains(element)) return null;
    const same = [...part.querySelectorAll(element.localName)]
      .filter(other => other.getAttribute('href') === element.getAttribute('href'));
    return { name: element.localName, href: element.getAttribute('href'), at: same.indexOf(element) };
  }
  function refocus(part, { name, href, at }) {
    const same = [...part.querySelectorAll(name)].filter(other => other.getAttribute('href') === href);
    (same[at] ?? same[0])?.focus({ preventScroll: true });
  }

  function replace(next) {
    for (const part of live(document)) {
      const fresh = next.getElementById(part.id);
      if (!fresh || fresh.outerHTML === written.get(part.id)) continue;
      written.set(part.id, fresh.outerHTML);
      const open = [...part.querySelectorAll('details[open][id]')].map(details => details.id);
      const checked = [...part.querySelectorAll('input:checked')].map(box => box.value);
      const scrolled = [...part.querySelectorAll('.scroll')].map(box => box.scrollLeft);
      const focus = focused(part);
      const adopted = document.adoptNode(fresh);
      part.replaceWith(adopted);
      for (const id of open) document.getElementById(id)?.setAttribute('open', '');
      for (const box of adopted.querySelectorAll('input[type=checkbox]')) box.checked = checked.includes(box.value);
      adopted.querySelectorAll('.scroll').forEach((box, at) => { box.scrollLeft = scrolled[at] ?? 0; });
      if (focus) refocus(adopted, focus);
    }
  }

  let tag = null;
  function show(state) {
    if (!indicator) return;
    indicator.hidden = false;
    indicator.dataset.state = state;
    indicator.textContent = { live: 'Live', paused: 'Paused', lost: 'Not connected' }[state];
  }
  async function look() {
    if (document.hidden) { show('paused'); return; }
    // Do not replace text that is being selected.
    if (!document.getSelection().isCollapsed) return;
    try {
      const headers = { 'x-live': '1', ...(tag ? { 'if-none-match': tag } : {}) };
      const answer = await fetch(location.href, { headers, redirect: 'error', signal: AbortSignal.timeout(PATIENCE) });
      if (answer.status === 401) { location.reload(); return; }
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(String(answer.status));
        const next = parse(await answer.text());
        // If a part was added or removed, load the page again.
        const known = live(document).map(part => part.id).join();
        const coming = live(next).map(part => part.id).join();
        tag = answer.headers.get('etag');
        if (known !== coming) { location.reload(); return; }
        replace(next);
      }
      show('live');
    } catch {
      show('lost');
    }
    tellTimes();
  }

  tellTimes();
  if (written.size > 0) {
    show('live');
    const again = async () => { await look(); setTimeout(again, EVERY); };
    setTimeout(again, EVERY);
    document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
  }

  document.addEventListener('keydown', event => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.('input, select, textarea')) return;
    const search = document.querySelector('[data-search]');
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
})();
