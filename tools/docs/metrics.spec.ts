import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const workspace = join(__dirname, '../..');
const read = (path: string): string => readFileSync(join(workspace, path), 'utf8');

/** Names of metrics, without what Prometheus makes of a histogram. */
const namesIn = (text: string): string[] => [
  ...new Set((text.match(/\bpuerta_[a-z_]+/g) ?? []).map((name) => name.replace(/_(?:bucket|count|sum)$/, ''))),
];

describe('what asks for metrics', () => {
  const sources = ['apps', 'libs']
    .flatMap((folder) =>
      readdirSync(join(workspace, folder), { recursive: true }).map((path) => join(folder, String(path))),
    )
    .filter((path) => /\/src\/.*(?<!\.spec)\.ts$/.test(path));
  const made = new Set(sources.flatMap((path) => namesIn(read(path))));

  it.each(['docker/grafana/puerta.json', 'docker/prometheus/puerta.rules.yml'])(
    '%s asks for such as there are',
    (path) => {
      const asked = namesIn(read(path));
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.filter((name) => !made.has(name))).toEqual([]);
    },
  );

  it('the dashboard has a panel for whatever the proxy and the guards count', () => {
    const shown = namesIn(read('docker/grafana/puerta.json'));
    const counted = [...made].filter((name) =>
      /^puerta_(?:upstream|live|auth|bus_(?:call|replicas|messages))/.test(name),
    );
    expect(counted.filter((name) => !shown.includes(name))).toEqual([]);
  });
});
