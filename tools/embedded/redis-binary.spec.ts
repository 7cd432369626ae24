import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unpackRedis } from './debian-package.mjs';

const hasApt = ['apt-get', 'dpkg-deb'].every((command) => spawnSync(command, ['--version']).status === 0);
const onDebian = hasApt ? describe : describe.skip;

onDebian("Debian's package of Redis", () => {
  let folder: string;
  let bin: string;
  const realConfig = process.env['APT_CONFIG'];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
    bin = join(folder, 'bin');
    for (const name of [bin, join(folder, 'tools')]) mkdirSync(name);
    cpSync(__dirname, join(folder, 'tools/embedded'), { recursive: true });
    for (const command of ['dpkg-deb', 'apt-get', 'tar']) provide(command);
    aptConfig(`deb [trusted=yes] copy:${folder}/mirror ./`);
  });
  afterEach(() => {
    if (realConfig === undefined) delete process.env['APT_CONFIG'];
    else process.env['APT_CONFIG'] = realConfig;
    rmSync(folder, { recursive: true, force: true });
  });

  /** Puts a command of this machine on the only folder of the PATH. */
  function provide(command: string): void {
    const [found = ''] = execFileSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).split('\n');
    symlinkSync(found, join(bin, command));
  }

  function script(file: string, version: string): void {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `#!/bin/sh\necho "Redis server v=${version} sha=0"\n`);
    chmodSync(file, 0o755);
  }

  function aptConfig(source: string, more = ''): void {
    writeFileSync(join(folder, 'sources.list'), `${source}\n`);
    const sources = `Dir::Etc::sourcelist "${folder}/sources.list"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::parts "/dev/null";`;
    writeFileSync(join(folder, 'apt.conf'), `${sources}\n${more}\n`);
    process.env['APT_CONFIG'] = join(folder, 'apt.conf');
  }

  /** As Debian has it: the binary is in redis-tools, redis-server has a link to it. */
  function publish(version: string): void {
    const mirror = join(folder, 'mirror');
    const trees = ['redis-tools', 'redis-server'].map((name) => join(folder, name));
    const [tools = '', server = ''] = trees;
    script(join(tools, 'usr/bin/redis-check-rdb'), version);
    mkdirSync(join(server, 'usr/bin'), { recursive: true });
    symlinkSync('redis-check-rdb', join(server, 'usr/bin/redis-server'));
    mkdirSync(mirror);
    const index = trees.map((tree) => {
      const name = tree === tools ? 'redis-tools' : 'redis-server';
      const control = `Package: ${name}\nVersion: 5:9\nArchitecture: all\nMaintainer: nobody <n@example.com>\n`;
      const all = `${control}${name === 'redis-server' ? 'Depends: redis-tools (= 5:9)\n' : ''}Description: for a test\n`;
      mkdirSync(join(tree, 'DEBIAN'));
      writeFileSync(join(tree, 'DEBIAN/control'), all);
      const file = join(mirror, `${name}.deb`);
      execFileSync('dpkg-deb', ['-Znone', '--root-owner-group', '-b', tree, file]);
      const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
      return `${all}Filename: ./${name}.deb\nSize: ${statSync(file).size}\nSHA256: ${sha256}\n`;
    });
    writeFileSync(join(mirror, 'Packages'), index.join('\n'));
  }

  /** What a clone of its own, with nothing on the PATH but `bin`, finds. */
  function found(): { origin?: string; error?: string } {
    const code = `import(process.argv[1]).then(async ({ redisBinary }) => {
      console.log(JSON.stringify(await redisBinary().catch(({ message }) => ({ error: message }))));
    })`;
    const args = ['-e', code, join(folder, 'tools/embedded/redis-binary.mjs')];
    return JSON.parse(
      execFileSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, PATH: bin } }),
    ) as object;
  }

  const kept = () => readdirSync(join(folder, 'node_modules/.cache/puerta'));

  it('is whole where redis-tools is installed already', async () => {
    publish('9.0.0');
    const system = join(folder, 'status');
    writeFileSync(
      system,
      `Package: redis-tools\nStatus: install ok installed\nArchitecture: all\nVersion: 5:9\nDescription: x\n`,
    );
    const work = join(folder, 'work');
    await unpackRedis(work, system);
    expect(execFileSync(join(work, 'root/usr/bin/redis-server'), { encoding: 'utf8' })).toContain('v=9.0.0');
  });

  it('is not taken when it is too old, which is told, and tried again', () => {
    publish('6.0.16');
    expect(found().error).toMatch(
      /no Redis: install[^]*Debian's package, unpacked here\) is version 6\.0\.16, older than 7$/,
    );
    expect(kept()).toEqual([]);
    rmSync(join(folder, 'mirror'), { recursive: true });
    for (const name of ['redis-tools', 'redis-server']) rmSync(join(folder, name), { recursive: true });
    publish('9.0.0');
    expect(found().origin).toBe("9.0.0, Debian's package, unpacked here");
  });

  it('replaces an earlier one that does not run, and one that was left half done', () => {
    publish('9.0.0');
    const cache = join(folder, 'node_modules/.cache/puerta');
    for (const name of [`redis-${process.arch}`, `redis-${process.arch}.new`]) {
      mkdirSync(join(cache, name, 'usr/bin'), { recursive: true });
      symlinkSync('redis-check-rdb', join(cache, name, 'usr/bin/redis-server'));
    }
    expect(found().origin).toContain('9.0.0');
    expect(kept()).toEqual([`redis-${process.arch}`]);
  });

  it('cannot be had through a proxy that refuses: that is the reason given, beside what the PATH has', () => {
    script(join(bin, 'redis-server'), '6.2.1');
    aptConfig('deb http://deb.example.invalid/debian stable main', 'Acquire::http::Proxy "http://127.0.0.1:9";');
    const { error } = found();
    expect(error).toContain('redis-server (installed on this machine) is version 6.2.1, older than 7');
    expect(error).toMatch(/Debian's package cannot be fetched: .*127\.0\.0\.1:9.*refused/);
    expect(kept()).toEqual([]);
  });

  it('cannot be had without apt-get', () => {
    rmSync(join(bin, 'apt-get'));
    expect(found().error).toContain("Debian's package cannot be fetched: there is no apt-get on the PATH");
    expect(kept()).toEqual([]);
  });

  it('needs no source of packages but the one that has it', () => {
    publish('9.0.0');
    aptConfig(`deb [trusted=yes] copy:${folder}/mirror ./\ndeb [trusted=yes] copy:${folder}/gone ./`);
    expect(found().origin).toContain('9.0.0');
  });
});
