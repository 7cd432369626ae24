import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

const ROOT = dirname(__dirname);

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Every Markdown file of the project, by its path from the top. */
const pages = markdownIn(ROOT)
  .map((file) => relative(ROOT, file))
  .sort();

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(node_modules|dist|coverage|\..+)$/.test(entry.name) ? [] : markdownIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** Without what is code: there, brackets mean something else. */
const proseOf = (text: string): string => text.replace(/^```[^]*?^```/gm, '').replace(/`[^`\n]*`/g, 'code');

const linksOf = (text: string): string[] =>
  [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);

/** The anchors that GitHub makes of headings. */
function anchorsOf(text: string): string[] {
  const headings = [...text.replace(/^```[^]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm)].map(([, title = '']) => title);
  return headings.map((title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Other sites are not asked. */
function leadsSomewhere(page: string, link: string): boolean {
  if (/^[a-z]+:/.test(link)) return true;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(ROOT, target))) return false;
  return anchor === undefined || anchorsOf(read(target)).includes(decodeURIComponent(anchor));
}

const fencesOf = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, body = '']) => body);

describe('the documentation', () => {
  it('is what the code says, where it is made from code', async () => {
    const check = promisify(execFile)(process.execPath, [join(ROOT, 'tools/docs.mjs'), '--check']);
    const complaint = (error: { stdout: string; stderr: string }): string => error.stdout + error.stderr;
    const verdict = check.then(() => 'up to date', complaint);
    await expect(verdict).resolves.toBe('up to date');
  });

  it('describes every schema that the OpenAPI document refers to', () => {
    const text = read('docs/openapi.json');
    const { components } = JSON.parse(text) as { components: { schemas: Record<string, object> } };
    const named = [...text.matchAll(/"#\/components\/schemas\/(.*?)"/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in components.schemas))).toEqual([]);
  });

  it('leads nowhere that is not there', () => {
    const links = pages.flatMap((page) => linksOf(read(page)).map((link) => ({ page, link })));
    expect(links.filter(({ page, link }) => !leadsSomewhere(page, link))).toEqual([]);
  });

  it('names only scripts of npm that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = pages.flatMap((page) => [...read(page).matchAll(/\bnpm run ([a-z:]+)/g)]);
    expect(named.map(([, name = '']) => name).filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('the two READMEs', () => {
  const [english, spanish] = [read('README.md'), read('README.es.md')];
  const headings = (text: string): string[] =>
    [...text.replace(/^```[^]*?^```/gm, '').matchAll(/^(#{1,6}) /gm)].map(([, level = '']) => level);

  it('have the same structure', () => {
    expect(headings(spanish)).toEqual(headings(english));
    expect(linksOf(spanish).length).toBe(linksOf(english).length);
  });

  it.each(['bash', 'json', 'http', 'text'])('show the same in their %s blocks', (language) => {
    expect(fencesOf(spanish, language)).toEqual(fencesOf(english, language));
  });
});

describe('the decisions', () => {
  const files = readdirSync(join(ROOT, 'docs/decisions'))
    .filter((name) => name !== 'README.md')
    .sort();

  it('are numbered without gaps', () => {
    expect(files.map((name) => name.slice(0, 4))).toEqual(files.map((_, index) => String(index + 1).padStart(4, '0')));
  });

  it('are listed in their index, in order', () => {
    const listed = linksOf(read('docs/decisions/README.md')).filter((link) => /^\d{4}-/.test(link));
    expect(listed).toEqual(files);
  });
});
