// Updates a page, shows times as ages, counts selected rows, copies commands and ids, and makes the key / jump to
// the search field. Pages work without it.
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
    const seconds = Math.trunc((Date.parse(time.dateTime) - Date.now()) / 1000);
    const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS[3];
    // What has just begun to last ten minutes does not end in nine.
    // Days are cut off, as the server does.
    const whole = seconds > 0 && unit !== 'day' ? Math.round : Math.trunc;
    return words.format(whole(seconds / length), unit);
  }
  // Within a sentence the time itself comes first, so that it can follow "since", "until" and "at".
  function told(time) {
    if (!time.classList.contains('at')) return ago(time);
    const [day, clock] = time.dateTime.split('T');
    const today = day === new Date().toISOString().slice(0, 10);
    return `${today ? '' : `${day} `}${clock.slice(0, 8)} UTC (${ago(time)})`;
  }
  function tellTimes() {
    for (const time of document.querySelectorAll('time:not(.exact)')) {
      const text = told(time);
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

  // Whether somebody is selecting or filling in something there. It must not be lost.
  const inUse = root => root.querySelector('input:checked, :is(input, select, textarea):focus') !== null;

  // Returns whether everything is up to date now.
  function replace(next) {
    let complete = true;
    for (const part of live(document)) {
      const fresh = next.getElementById(part.id);
      if (!fresh || fresh.outerHTML === written.get(part.id)) continue;
      if (inUse(part)) {
        complete = false;
        continue;
      }
      written.set(part.id, fresh.outerHTML);
      const open = [...part.querySelectorAll('details[open][id]')].map(details => details.id);
      const scrolled = [...part.querySelectorAll('.scroll')].map(box => box.scrollLeft);
      const focus = focused(part);
      const adopted = document.adoptNode(fresh);
      part.replaceWith(adopted);
      for (const id of open) document.getElementById(id)?.setAttribute('open', '');
      adopted.querySelectorAll('.scroll').forEach((box, at) => { box.scrollLeft = scrolled[at] ?? 0; });
      if (focus) refocus(adopted, focus);
    }
    tellSelected();
    showCopyButtons();
    return complete;
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
        if (known !== coming) {
          tag = null;
          if (!document.querySelector('[data-live] input:checked')) location.reload();
          return;
        }
        // Without the tag the server sends the whole page again, with the parts that were skipped.
        tag = replace(next) ? answer.headers.get('etag') : null;
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

  // Selected rows: how many, and all of this page at once.
  const boxes = () => [...document.querySelectorAll('input[form="bulk"]')];
  const bulk = document.getElementById('bulk');
  function tellSelected() {
    if (!bulk) return;
    const count = boxes().filter(box => box.checked).length;
    const told = bulk.querySelector('[data-selected]');
    told.textContent = `Selected ${told.dataset.selected}: ${count}`;
    for (const button of bulk.querySelectorAll('button')) button.disabled = count === 0;
    for (const all of document.querySelectorAll('[data-all]')) {
      (all.closest('label') ?? all).hidden = false;
      all.checked = count > 0 && count === boxes().length;
      all.indeterminate = count > 0 && !all.checked;
    }
  }
  document.addEventListener('change', event => {
    if (event.target.matches?.('[data-all]')) for (const box of boxes()) box.checked = event.target.checked;
    tellSelected();
  });
  // The browser may have kept a selection.
  window.addEventListener('pageshow', tellSelected);
  tellSelected();

  function showCopyButtons() {
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll('[data-copy][hidden]')) button.hidden = false;
  }
  document.addEventListener('click', async event => {
    const button = event.target.closest?.('[data-copy]');
    if (!button) return;
    const text = button.dataset.copy || button.parentElement.querySelector('code').textContent;
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  });
  showCopyButtons();

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
