import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contrast, rgbOfHex } from '../../test/colours';

const style = readFileSync(join(__dirname, 'page', 'puerta.css'), 'utf8');
const [light = '', dark = ''] = style.split('@media (prefers-color-scheme: dark)');
const colour = (part: string, name: string): string => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(part)?.[1] ?? name;

describe('the style of our pages', () => {
  it.each([
    ['by day', light],
    ['by night', dark],
  ])('has text that is read %s (WCAG 2.2 AA)', (_when, part) => {
    const ratio = (one: string, other: string): number =>
      contrast(rgbOfHex(colour(part, one)), rgbOfHex(colour(part, other)));
    for (const ground of ['paper', 'ground'])
      for (const text of ['ink', 'faint'])
        expect([text, ground, ratio(text, ground) >= 4.5]).toEqual([text, ground, true]);
    // What is no text: 3 is enough.
    for (const ground of ['paper', 'ground']) expect(ratio('focus', ground)).toBeGreaterThanOrEqual(3);
  });

  it('tells the three verdicts in colours on which white is read', () => {
    const tones = [...style.matchAll(/data-tone="(\w+)"\] \{\s+--tone: (#[0-9a-f]{6})/g)];
    expect(tones.map(([, tone]) => tone)).toEqual(['good', 'wary', 'bad']);
    for (const [, , hex = ''] of tones) expect(contrast(rgbOfHex(hex), [255, 255, 255])).toBeGreaterThanOrEqual(4.5);
  });

  it('moves nothing for who asked for that', () => {
    const moving = [...style.matchAll(/^([^{}@]+) \{[^}]*\banimation: (?!none)/gm)].map(([, selector = '']) =>
      selector.trim(),
    );
    const still = style.slice(style.indexOf('@media (prefers-reduced-motion: reduce)'));
    expect(moving).not.toEqual([]);
    for (const selector of moving) expect(still).toContain(`${selector} {\n    animation: none;`);
    expect(style).not.toContain('transition');
  });
});
