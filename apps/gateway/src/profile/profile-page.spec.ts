import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext, runInNewContext } from 'node:vm';
import { DomainError } from '@puerta/contracts/core';
import { contrast, rgbOf } from '../../test/colours';
import { describeErrorPage } from '../problems/error-page';

const read = (name: string): string => readFileSync(join(__dirname, 'page', name), 'utf8');

/** As much of an element as the page uses. */
class FakeElement {
  textContent = '';
  hidden = false;
  value = 0;
  readonly dataset: Record<string, string> = {};
  readonly styles: Record<string, string> = {};
  readonly style = { setProperty: (name: string, value: string) => (this.styles[name] = value) };
  readonly parentElement = { hidden: false };
  readonly listeners: (() => void)[] = [];
  src: string | undefined;
  removeAttribute(name: 'src'): void {
    this[name] = undefined;
  }
  addEventListener(_type: string, listener: () => void): void {
    this.listeners.push(listener);
  }
}

const PROFILE = {
  name: 'María <b>Rojas</b>',
  number: '26-10001',
  company: 'Universidad Demo',
  title: 'Estudiante',
  unit: null,
  status: 'active',
  photo_url: null,
  valid_until: null,
};

const passOf = (expiresAt: number): string =>
  [
    'header',
    Buffer.from(JSON.stringify({ sub: 'ñÑ?>', exp: expiresAt / 1_000 })).toString('base64url'),
    'signature',
  ].join('.');

/** What a browser keeps for a tab: its keys are properties. */
class FakeStorage {
  [key: string]: unknown;
  getItem(key: string): unknown {
    return Object.hasOwn(this, key) ? this[key] : null;
  }
  setItem(key: string, value: string): void {
    this[key] = value;
  }
  removeItem(key: string): void {
    delete this[key];
  }
}

/** A tab: what it keeps, and an entry of its history, which a page that is reloaded or come back to finds again. */
interface Tab {
  readonly storage: FakeStorage;
  state: unknown;
}

const newTab = (): Tab => ({ storage: new FakeStorage(), state: null });

/** A phone that opened the page: with its own clock, steady or asleep, and the server's. */
class Phone {
  readonly elements = new Map<string, FakeElement>();
  readonly labelled: FakeElement[] = [];
  readonly events: Record<string, () => void> = {};
  readonly asked: { url: string; init: { headers: Record<string, string> } }[] = [];
  readonly addresses: string[] = [];
  readonly root = { lang: '', dataset: {} as Record<string, string> };
  steady = 5_000;
  private ticking: (() => void) | undefined;

  constructor(
    private readonly options: {
      /** In the document. */
      readonly pass: string;
      readonly search: string;
      /** undefined: the browser is told to keep nothing. */
      readonly tab: Tab | undefined;
      readonly language: string;
      readonly clock: number;
      readonly respond: () => { status: number; serverTime: number; body?: object };
    },
  ) {
    const html = read('profile.html');
    for (const [, id = ''] of html.matchAll(/\bid="([\w-]+)"/g)) this.elements.set(id, new FakeElement());
    for (const [, text = ''] of html.matchAll(/data-text="(\w+)"/g))
      this.labelled.push(Object.assign(new FakeElement(), { dataset: { text } }));
    this.wall = options.clock;
    const page = {
      document: {
        documentElement: this.root,
        title: '',
        getElementById: (id: string) => this.elements.get(id) ?? fail(id),
        querySelector: () => ({ content: options.pass }),
        querySelectorAll: () => this.labelled,
        addEventListener: (type: string, listener: () => void) => (this.events[type] = listener),
      },
      location: { search: options.search, host: 'puerta.example.com' },
      history: {
        get state() {
          return options.tab?.state ?? null;
        },
        replaceState: (state: unknown, _title: string, address: string) => {
          if (options.tab) options.tab.state = state;
          this.addresses.push(address);
        },
      },
      get sessionStorage() {
        if (!options.tab) throw new Error('SecurityError');
        return options.tab.storage;
      },
      navigator: { language: options.language },
      performance: { now: () => this.steady },
      setInterval: (listener: () => void) => ((this.ticking = listener), 1),
      clearInterval: () => (this.ticking = undefined),
      fetch: async (url: string, init: { headers: Record<string, string> }) => {
        this.asked.push({ url, init });
        const { status, serverTime, body } = options.respond();
        return {
          status,
          ok: status === 200,
          headers: new Headers({ date: new Date(serverTime).toUTCString() }),
          json: async () => body,
        };
      },
      Date: this.fakeDate(),
      URLSearchParams,
      Intl,
      Headers,
      atob,
      String,
      JSON,
      Math,
      Object,
    };
    const context = createContext(
      Object.assign(page, { window: { addEventListener: (type: string, on: () => void) => (this.events[type] = on) } }),
    );
    for (const [, script = ''] of html.matchAll(/<script src="\/profile\/([\w.]+)" defer>/g))
      runInContext(read(script), context);
  }

  wall: number;

  /** Time goes by; asleep, the steady clock stands still and nothing ticks. */
  pass(ms: number, asleep = false): void {
    this.wall += ms;
    if (asleep) return;
    this.steady += ms;
    this.ticking?.();
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }

  text(id: string): string {
    return this.elements.get(id)?.textContent ?? fail(id);
  }

  shown(id: string): boolean {
    return this.elements.get(id)?.hidden === false;
  }

  everything(): string {
    return [...this.elements.values()].map(({ textContent }) => textContent).join(' ');
  }

  private fakeDate(): unknown {
    return Object.assign(
      function (value: string) {
        return new Date(value);
      },
      { now: () => this.wall, parse: Date.parse },
    );
  }
}

function fail(id: string): never {
  throw new Error(`the page has no ${id}`);
}

describe('the profile page', () => {
  const SERVER = Date.parse('2026-11-21T10:00:00Z');
  const PASS = passOf(SERVER + 120_000);
  const open = async (changes: Partial<ConstructorParameters<typeof Phone>[0]> = {}): Promise<Phone> => {
    const phone = new Phone({
      pass: PASS,
      search: '',
      tab: newTab(),
      language: 'es-VE',
      clock: SERVER,
      respond: () => ({ status: 200, serverTime: SERVER, body: PROFILE }),
      ...changes,
    });
    await phone.settle();
    return phone;
  };

  const gone = (phone: Phone): void => {
    expect(phone.shown('card')).toBe(false);
    expect(phone.text('notice-title')).toBe('Escanee de nuevo');
    expect(phone.root.dataset['tone']).toBe('wary');
    for (const fact of ['María', '26-10001', 'Universidad', 'Estudiante'])
      expect(phone.everything()).not.toContain(fact);
    expect(phone.text('announcement')).toContain('Escanee de nuevo');
  };

  it('shows who the card is of, as text, with the seconds that are left', async () => {
    const phone = await open();
    expect(phone.shown('card')).toBe(true);
    expect(phone.shown('notice')).toBe(false);
    expect(['name', 'number', 'title', 'seconds', 'seconds-unit'].map((id) => phone.text(id))).toEqual([
      'María <b>Rojas</b>',
      '26-10001',
      'Estudiante',
      '120',
      'segundos más',
    ]);
    expect(phone.elements.get('unit')?.parentElement.hidden).toBe(true);
    phone.pass(119_000);
    expect([phone.text('seconds'), phone.text('seconds-unit')]).toEqual(['1', 'segundo más']);
  });

  describe('tells from two metres', () => {
    const showing = (changes: object) =>
      open({ respond: () => ({ status: 200, serverTime: SERVER, body: { ...PROFILE, ...changes } }) });

    it('that a card is valid: in colour, word and a mark that moves', async () => {
      const phone = await open();
      expect([phone.root.dataset['tone'], phone.text('status-word')]).toEqual(['good', 'Válido']);
      expect(phone.text('announcement')).toBe('Válido. María <b>Rojas</b>, Universidad Demo');
      expect(read('profile.html')).toContain('<span class="mark moving" aria-hidden="true">');
    });

    it('the time of day by the server clock, which no picture of the page has for long', async () => {
      const phone = await open({ clock: SERVER - 86_400_000 });
      const said = (ms: number) =>
        new Intl.DateTimeFormat('es', { timeStyle: 'medium', hourCycle: 'h23' }).format(SERVER + ms);
      expect(phone.text('clock')).toBe(said(0));
      phone.pass(61_000);
      expect(phone.text('clock')).toBe(said(61_000));
      expect(said(61_000)).not.toBe(said(0));
    });

    it('whose card it is, in a colour that is always the same, and where it was checked', async () => {
      const [phone, again] = [await open(), await open()];
      expect([phone.text('company'), phone.text('host')]).toEqual(['Universidad Demo', 'puerta.example.com']);
      const colours = (one: Phone) => one.elements.get('issuer')?.styles;
      expect(colours(again)).toEqual(colours(phone));
      expect(colours(await showing({ company: 'Club Náutico' }))).not.toEqual(colours(phone));
    });

    it('of a company no colour that says something else, nor one that white is not read on', async () => {
      for (const company of ['Universidad Demo', 'Club Náutico', '東京大学', 'جامعة القاهرة', '', 'a', 'Ñ', '🏛️']) {
        const colour = (await showing({ company })).elements.get('issuer')?.styles['--company'] ?? '';
        const [, hue = '', saturation = '', lightness = ''] = /^hsl\((\d+) (\d+)% (\d+)%\)$/.exec(colour) ?? [];
        expect([company, Number(hue) >= 200 && Number(hue) <= 320]).toEqual([company, true]);
        for (let any = 200; any <= 320; any++) {
          const rgb = rgbOf(any, Number(saturation) / 100, Number(lightness) / 100);
          expect(contrast(rgb, [255, 255, 255])).toBeGreaterThan(4.5);
        }
      }
    });

    it.each([
      ['Ana Pérez', 'large'],
      ['歐陽震華司馬相如上官婉兒', 'large'],
      ['María de los Ángeles Fernández', 'medium'],
      ['Ana Fernández-Villavicencio', 'small'],
      ['Wolfeschlegelsteinhausenbergerdorff', 'small'],
      ['Ana Pérez '.repeat(12), 'small'],
    ])('the name %s, as large as fits beside the photo', async (name, size) => {
      const phone = await showing({ name });
      expect([phone.text('name'), phone.elements.get('name')?.dataset['size']]).toEqual([name, size]);
    });

    it('names of any script in their direction', () => {
      for (const id of ['company', 'name', 'title', 'unit'])
        expect(read('profile.html')).toMatch(new RegExp(`id="${id}"[^>]* dir="auto"`));
    });
  });

  describe('of a card that is not valid any more', () => {
    const refused = (phone: Phone): void => {
      expect([phone.root.dataset['tone'], phone.text('notice-title')]).toEqual(['bad', 'No válido']);
      expect(phone.text('notice-text')).toBe(
        'No acepte este carnet. Pida otra identificación o envíe a su titular a quien lo emitió.',
      );
      expect(phone.shown('card')).toBe(false);
      for (const fact of ['María', '26-10001', 'Universidad', 'Estudiante', 'spendido', 'aduc'])
        expect(phone.everything()).not.toContain(fact);
    };

    it('says so in red, with what to do, and nothing more', async () => {
      refused(await open({ respond: () => ({ status: 401, serverTime: SERVER }) }));
      for (const status of ['suspended', 'revoked', 'expired'])
        refused(await open({ respond: () => ({ status: 200, serverTime: SERVER, body: { ...PROFILE, status } }) }));
    });

    it('says so at the moment in which it lapses', async () => {
      const valid_until = new Date(SERVER + 30_000).toISOString();
      const phone = await open({
        respond: () => ({ status: 200, serverTime: SERVER, body: { ...PROFILE, valid_until } }),
      });
      phone.pass(29_999);
      expect(phone.shown('card')).toBe(true);
      phone.pass(1);
      refused(phone);
    });

    it('says the same as the page of a dead code', () => {
      for (const language of ['en', 'es'] as const) {
        const error = new DomainError('card_not_found');
        const page = describeErrorPage(error, { requestId: 'r', instance: '/scan', language }, '').body;
        expect(page).toContain('data-tone="bad"');
        const [title = '', advice = ''] = [/<h1[^>]*>(.*)<\/h1>/.exec(page)?.[1], /<p>(.*)<\/p>/.exec(page)?.[1]];
        expect(read('texts.js')).toContain(`invalidTitle: '${title}'`);
        expect(read('texts.js')).toContain(`invalidText: '${advice}'`);
      }
    });
  });

  it('speaks Spanish or English, and says the same in both', async () => {
    const texts = async (language: string) => {
      const phone = await open({ language });
      return [phone.root.lang, phone.text('status-word'), ...phone.labelled.map(({ textContent }) => textContent)];
    };
    expect(await texts('es-419')).toEqual(
      'es|Válido|Comprobado en|Número|Válido hasta|Unidad|Se muestra|Intentar de nuevo'.split('|'),
    );
    expect(await texts('en-GB')).toEqual('en|Valid|Checked at|Number|Valid until|Unit|Shown for|Try again'.split('|'));
    expect((await texts('de'))[0]).toBe('en');
    const { en, es } = runInNewContext(`${read('texts.js')}; TEXTS`) as Record<string, object>;
    expect(Object.keys(es ?? {})).toEqual(Object.keys(en ?? {}));
  });

  it('sends the pass as a header alone', async () => {
    const phone = await open();
    expect(phone.asked).toHaveLength(1);
    expect(phone.asked[0]?.url).toBe('/api/v1/scan/profile');
    expect(phone.asked[0]?.init.headers['Authorization']).toBe(`Bearer ${PASS}`);
  });

  it('takes a pass that came in the address out of it before it asks', async () => {
    const phone = await open({ pass: '', search: `?token=${PASS}` });
    expect(phone.addresses).toEqual(['/profile']);
    expect(phone.asked[0]?.init.headers['Authorization']).toBe(`Bearer ${PASS}`);
  });

  describe('that is reloaded, or come back to', () => {
    const again = { pass: '' };

    it('shows the card until the pass dies', async () => {
      const tab = newTab();
      await open({ tab });
      const phone = await open({
        ...again,
        tab,
        respond: () => ({ status: 200, serverTime: SERVER + 90_000, body: PROFILE }),
      });
      expect([phone.text('name'), phone.text('seconds')]).toEqual(['María <b>Rojas</b>', '30']);
      phone.pass(30_000);
      gone(phone);
      const late = await open({ ...again, tab });
      expect(late.asked).toEqual([]);
      gone(late);
    });

    it('shows the card of that entry of the history, not the latest', async () => {
      const tab = newTab();
      await open({ tab });
      const first = tab.state;
      const other = passOf(SERVER + 60_000);
      await open({ tab, pass: other, clock: SERVER + 1_000 });
      expect(tab.state).not.toEqual(first);
      tab.state = first;
      const phone = await open({ ...again, tab });
      expect(phone.asked[0]?.init.headers['Authorization']).toBe(`Bearer ${PASS}`);
    });

    it('has the pass in the keeping of its tab, and nowhere in its history', async () => {
      const tab = newTab();
      const phone = await open({ tab });
      expect(JSON.stringify([tab.state, phone.addresses])).not.toContain(PASS);
      expect(Object.values(tab.storage)).toEqual([PASS]);
      gone(await open({ ...again, tab: newTab() }));
      gone(await open({ ...again, tab: { storage: new FakeStorage(), state: tab.state } }));
    });

    it('keeps no pass of a scan that is long over', async () => {
      const tab = newTab();
      await open({ tab });
      const next = passOf(SERVER + 320_000);
      await open({ tab, pass: next, clock: SERVER + 200_000 });
      expect(Object.values(tab.storage)).toEqual([next]);
    });

    it('shows the card once where the browser is told to keep nothing', async () => {
      expect((await open({ tab: undefined })).shown('card')).toBe(true);
      gone(await open({ ...again, tab: undefined }));
    });
  });

  const PHOTO = 'https://puerta.example.com/files/1.b1.word';
  const withPhoto = { ...PROFILE, photo_url: PHOTO };
  const photoOf = (phone: Phone): FakeElement => phone.elements.get('photo') ?? fail('photo');
  const arrives = (phone: Phone): void => photoOf(phone).listeners.forEach((loaded) => loaded());

  it('shows the photo once it is there, and none where there is none', async () => {
    const phone = await open({ respond: () => ({ status: 200, serverTime: SERVER, body: withPhoto }) });
    expect([photoOf(phone).src, phone.shown('photo')]).toEqual([PHOTO, false]);
    arrives(phone);
    expect(phone.shown('photo')).toBe(true);
    const other = await open();
    expect([photoOf(other).src, other.shown('photo')]).toEqual([undefined, false]);
  });

  it('takes the photo off with the rest', async () => {
    const phone = await open({ respond: () => ({ status: 200, serverTime: SERVER, body: withPhoto }) });
    arrives(phone);
    phone.pass(120_000);
    expect([photoOf(phone).src, phone.shown('photo')]).toEqual([undefined, false]);
  });

  it('counts by the server clock, however wrong the phone is', async () => {
    for (const clock of [SERVER - 86_400_000, SERVER + 86_400_000])
      expect((await open({ clock })).text('seconds')).toBe('120');
  });

  it('takes everything off when the pass has expired', async () => {
    const phone = await open();
    phone.pass(119_999);
    expect(phone.shown('card')).toBe(true);
    phone.pass(1);
    gone(phone);
  });

  it('takes everything off when the phone wakes after the pass expired', async () => {
    for (const event of ['visibilitychange', 'pageshow']) {
      const phone = await open();
      phone.pass(600_000, true);
      phone.events[event]?.();
      gone(phone);
    }
  });

  it('shows nothing without a pass, with a dead one, or with one that expires on the way', async () => {
    const without = await open({ pass: '' });
    expect(without.asked).toEqual([]);
    gone(without);
    gone(await open({ respond: () => ({ status: 401, serverTime: SERVER + 120_000 }) }));
    gone(await open({ pass: 'no.pass.x', respond: () => ({ status: 401, serverTime: SERVER }) }));
    gone(await open({ respond: () => ({ status: 200, serverTime: SERVER + 121_000, body: PROFILE }) }));
  });

  it('lets people try again when the card could not be checked', async () => {
    let status = 503;
    const phone = await open({ respond: () => ({ status, serverTime: SERVER, body: PROFILE }) });
    expect([phone.root.dataset['tone'], phone.text('notice-title')]).toEqual(['wary', 'Sin comprobar']);
    expect(phone.shown('retry')).toBe(true);
    status = 200;
    phone.elements.get('retry')?.listeners.forEach((press) => press());
    await phone.settle();
    expect(phone.shown('card')).toBe(true);
  });

  it('has no script, style or handler in the document itself', () => {
    expect(read('profile.html')).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|https?:/);
    for (const script of ['texts.js', 'pass.js', 'profile.js'])
      expect(read(script)).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
  });
});
