'use strict';

(() => {
  const TEXT = {
    en: {
      pageTitle: 'ID card',
      number: 'Number',
      unit: 'Unit',
      validUntil: 'Valid until',
      secondsLeft: { one: 'second left', other: 'seconds left' },
      status: { active: 'Active', suspended: 'Suspended', revoked: 'Revoked', expired: 'Expired' },
      retry: 'Try again',
      loadingTitle: 'One moment…',
      loadingText: 'The card is being checked.',
      expiredTitle: 'This scan has expired',
      expiredText: 'To see the card, scan its code again.',
      failedTitle: 'The card cannot be checked now',
      failedText: 'Please check your connection, or try again in a moment.',
      announced: (profile, status) => `${profile.name}, ${profile.company}, ${status}`,
    },
    es: {
      pageTitle: 'Carnet',
      number: 'Número',
      unit: 'Unidad',
      validUntil: 'Válido hasta',
      secondsLeft: { one: 'segundo restante', other: 'segundos restantes' },
      status: { active: 'Activo', suspended: 'Suspendido', revoked: 'Revocado', expired: 'Caducado' },
      retry: 'Intentar de nuevo',
      loadingTitle: 'Un momento…',
      loadingText: 'Se está comprobando el carnet.',
      expiredTitle: 'Este escaneo ha caducado',
      expiredText: 'Para ver el carnet, escanee de nuevo su código.',
      failedTitle: 'Ahora no se puede comprobar el carnet',
      failedText: 'Revise su conexión o inténtelo de nuevo en un momento.',
      announced: (profile, status) => `${profile.name}, ${profile.company}, ${status}`,
    },
  };

  const language = /^es\b/i.test(navigator.language) ? 'es' : 'en';
  const text = TEXT[language];
  const plural = new Intl.PluralRules(language);
  const element = (id) => document.getElementById(id);
  const show = (id, value) => {
    element(id).textContent = value ?? '';
  };

  const STORED = 'puerta-scan-pass-';

  /** When the pass ends, in seconds since 1970 by the server's clock; NaN for what is no pass. */
  const expiryOf = (jwt) => {
    try {
      return JSON.parse(atob(jwt.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).exp;
    } catch {
      return NaN;
    }
  };

  /** What this tab alone keeps until it is closed, and nothing where the browser is told to keep nothing. */
  const kept = (use) => {
    try {
      return use(sessionStorage);
    } catch {
      return undefined;
    }
  };

  /**
   * The pass of this entry of the tab's history: the one that just came, else the one that came with it before it was
   * reloaded, or left and come back to. The history itself, and whatever is shared from here, has a number instead.
   */
  const takePass = () => {
    const came =
      document.querySelector('meta[name="scan-pass"]').content || new URLSearchParams(location.search).get('token');
    const entry = came ? String(Date.now()) : history.state?.scan;
    history.replaceState(entry ? { scan: entry } : null, '', '/profile');
    if (came) kept((storage) => keep(storage, entry, came));
    return { entry, pass: came || kept((storage) => storage.getItem(STORED + entry)) };
  };

  const keep = (storage, entry, pass) => {
    const dead = (key) => key.startsWith(STORED) && !(expiryOf(storage.getItem(key)) * 1000 > Date.now());
    Object.keys(storage)
      .filter(dead)
      .forEach((key) => storage.removeItem(key));
    storage.setItem(STORED + entry, pass);
  };

  const { entry, pass } = takePass();

  document.documentElement.lang = language;
  document.title = text.pageTitle;
  for (const labelled of document.querySelectorAll('[data-text]')) labelled.textContent = text[labelled.dataset.text];

  let countdown;

  const notice = (kind) => {
    clearCard();
    if (kind === 'expired') kept((storage) => storage.removeItem(STORED + entry));
    show('notice-title', text[`${kind}Title`]);
    show('notice-text', text[`${kind}Text`]);
    element('retry').hidden = kind !== 'failed';
    element('notice').hidden = false;
    if (kind !== 'loading') show('announcement', `${text[`${kind}Title`]}. ${text[`${kind}Text`]}`);
  };

  const FACTS = ['company', 'name', 'number', 'title', 'unit', 'valid-until', 'status-word', 'seconds', 'seconds-unit'];

  /** Takes everything off the page that was of the person: not hidden, gone. */
  const clearCard = () => {
    clearInterval(countdown?.timer);
    countdown = undefined;
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

  const showCard = (profile) => {
    const status = text.status[profile.status] ?? profile.status;
    const until =
      profile.valid_until &&
      new Intl.DateTimeFormat(language, { dateStyle: 'long' }).format(new Date(profile.valid_until));
    const facts = {
      company: profile.company,
      name: profile.name,
      number: profile.number,
      title: profile.title,
      unit: profile.unit,
    };
    for (const [id, value] of Object.entries({ ...facts, 'valid-until': until, 'status-word': status }))
      show(id, value);
    for (const id of ['unit', 'valid-until']) element(id).parentElement.hidden = element(id).textContent === '';
    showPhoto(profile.photo_url);
    element('status').dataset.status = profile.status;
    element('notice').hidden = true;
    element('card').hidden = false;
    show('announcement', text.announced(profile, status));
  };

  /** Milliseconds that passed. A phone's wall clock may be set meanwhile, and its steady one stop while it sleeps. */
  const stopwatch = () => {
    const steady = performance.now();
    const wall = Date.now();
    return () => Math.max(performance.now() - steady, Date.now() - wall);
  };

  const tick = () => {
    if (!countdown) return;
    const left = countdown.life - countdown.elapsed();
    if (left <= 0) {
      notice('expired');
      return;
    }
    const seconds = Math.ceil(left / 1000);
    show('seconds', String(seconds));
    show('seconds-unit', text.secondsLeft[plural.select(seconds)] ?? text.secondsLeft.other);
    element('remaining').value = left / countdown.life;
  };

  const load = async () => {
    if (!pass) {
      notice('expired');
      return;
    }
    notice('loading');
    try {
      const elapsed = stopwatch();
      const response = await fetch('/api/v1/scan/profile', {
        headers: { Authorization: `Bearer ${pass}`, Accept: 'application/json' },
        cache: 'no-store',
        credentials: 'omit',
      });
      if (response.status === 401) {
        notice('expired');
        return;
      }
      if (!response.ok) throw new Error(String(response.status));
      const profile = await response.json();
      // The phone's clock may be wrong by hours. The server said what time it was when it answered.
      const life = expiryOf(pass) * 1000 - Date.parse(response.headers.get('date'));
      if (!(life > 0)) {
        notice('expired');
        return;
      }
      showCard(profile);
      countdown = { life, elapsed, timer: setInterval(tick, 250) };
      tick();
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
