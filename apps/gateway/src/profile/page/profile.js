'use strict';

(() => {
  const language = /^es\b/i.test(navigator.language) ? 'es' : 'en';
  const text = TEXTS[language];
  const plural = new Intl.PluralRules(language);
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'medium', hourCycle: 'h23' });
  const root = document.documentElement;
  const element = (id) => document.getElementById(id);
  const show = (id, value) => {
    element(id).textContent = value ?? '';
  };

  root.lang = language;
  document.title = text.pageTitle;
  for (const labelled of document.querySelectorAll('[data-text]')) labelled.textContent = text[labelled.dataset.text];
  show('host', location.host);

  /** What is shown, and until when; undefined while no card is. */
  let view;

  const TONES = { loading: '', invalid: 'bad', expired: 'wary', failed: 'wary' };

  const notice = (kind) => {
    clearCard();
    if (kind === 'expired') scanPass.forget();
    root.dataset.tone = TONES[kind];
    show('notice-title', text[`${kind}Title`]);
    show('notice-text', text[`${kind}Text`]);
    element('retry').hidden = kind !== 'failed';
    element('notice').hidden = false;
    if (kind !== 'loading') show('announcement', `${text[`${kind}Title`]}. ${text[`${kind}Text`]}`);
  };

  const FACTS = ['company', 'name', 'number', 'title', 'unit', 'valid-until', 'status-word', 'clock', 'seconds'];

  /** Takes everything off the page that was of the person: not hidden, gone. */
  const clearCard = () => {
    clearInterval(view?.timer);
    view = undefined;
    element('card').hidden = true;
    for (const id of FACTS) show(id, '');
    showPhoto(null);
    show('announcement', '');
  };

  /** Shown once it is there: a photo that cannot be had leaves no broken frame. */
  const showPhoto = (url) => {
    const photo = element('photo');
    photo.hidden = true;
    if (url) photo.src = url;
    else photo.removeAttribute('src');
  };

  /**
   * A colour that is always the same for a company. Of blues and purples, as green and red say something else here, and so
   * dark that white on it is read.
   */
  const colourOf = (name) => {
    let hash = 0;
    for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) % 65521;
    return `hsl(${200 + (hash % 121)} 60% 32%)`;
  };

  /** Where a line may end: at spaces, after hyphens, and anywhere in scripts that have no spaces. */
  const BREAKS = /[\s-]+|(?=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}])/u;

  /** How large a name may be written, so that its longest word fits beside the photo. */
  const sizeOf = (name) => {
    const longest = Math.max(...name.split(BREAKS).map((word) => word.length));
    if (longest > 11 || name.length > 60) return 'small';
    return longest > 8 || name.length > 30 ? 'medium' : 'large';
  };

  const showCard = (profile) => {
    const date = new Intl.DateTimeFormat(language, { dateStyle: 'long' });
    for (const id of ['company', 'name', 'number', 'title', 'unit']) show(id, profile[id]);
    show('valid-until', profile.valid_until && date.format(new Date(profile.valid_until)));
    show('status-word', text.valid);
    for (const id of ['unit', 'valid-until']) element(id).parentElement.hidden = element(id).textContent === '';
    element('name').dataset.size = sizeOf(profile.name);
    element('issuer').style.setProperty('--company', colourOf(profile.company));
    showPhoto(profile.photo_url);
    root.dataset.tone = 'good';
    element('notice').hidden = true;
    element('card').hidden = false;
    show('announcement', `${text.valid}. ${profile.name}, ${profile.company}`);
  };

  /** Milliseconds that passed. A phone's wall clock may be set meanwhile, and its steady one stop while it sleeps. */
  const stopwatch = () => {
    const steady = performance.now();
    const wall = Date.now();
    return () => Math.max(performance.now() - steady, Date.now() - wall);
  };

  const tick = () => {
    if (!view) return;
    const now = view.began + view.elapsed();
    const left = scanPass.ends - now;
    if (left <= 0) {
      notice('expired');
    } else if (now >= view.cardEnds) {
      notice('invalid');
    } else {
      const seconds = Math.ceil(left / 1000);
      show('clock', clock.format(now));
      show('seconds', String(seconds));
      show('seconds-unit', text.seconds[plural.select(seconds)] ?? text.seconds.other);
      element('remaining').value = left / (scanPass.ends - view.began);
    }
  };

  const ask = () =>
    fetch('/api/v1/scan/profile', {
      headers: { Authorization: `Bearer ${scanPass.value}`, Accept: 'application/json' },
      cache: 'no-store',
      credentials: 'omit',
    });

  const load = async () => {
    if (!scanPass.value) {
      notice('expired');
      return;
    }
    notice('loading');
    try {
      const elapsed = stopwatch();
      const response = await ask();
      // The phone's clock may be wrong by hours. The server said what time it was when it answered.
      const began = Date.parse(response.headers.get('date'));
      if (response.status !== 401 && !response.ok) throw new Error(String(response.status));
      const profile = response.ok ? await response.json() : undefined;
      if (!(scanPass.ends > began)) notice('expired');
      else if (profile?.status !== 'active') notice('invalid');
      else {
        showCard(profile);
        const cardEnds = profile.valid_until ? Date.parse(profile.valid_until) : Infinity;
        view = { began, elapsed, cardEnds, timer: setInterval(tick, 250) };
        tick();
      }
    } catch {
      notice('failed');
    }
  };

  element('photo').addEventListener('load', () => {
    element('photo').hidden = false;
  });
  element('retry').addEventListener('click', () => void load());
  // Timers sleep with the phone; nothing that has expired may be seen when it wakes.
  document.addEventListener('visibilitychange', tick);
  window.addEventListener('pageshow', tick);
  void load();
})();
