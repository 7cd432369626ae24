const OLDEST = 7;

/**
 * What is wrong with a Redis that is to keep tokens; each follows "the Redis of the single-use tokens".
 * @param info what INFO says
 */
export function settingsProblems(info: string): string[] {
  const facts = new Map([...info.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]));
  const problems: string[] = [];
  // Valkey says 7.2.4 for the sake of those who ask; its own version is beside it.
  const version = facts.get('redis_version') ?? '';
  if (Number.parseInt(version, 10) < OLDEST) problems.push(`is of version ${version}: ${OLDEST} or newer is needed`);
  if (!facts.has('run_id')) problems.push('does not give its run_id: after a restart, what was used may be good again');
  const policy = facts.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    problems.push(`has maxmemory-policy ${policy}: it may forget what was used, and wrong guesses; set noeviction`);
  }
  if (facts.get('aof_enabled') === '0') {
    problems.push(
      'keeps no append-only file: a crash makes it forget wrong guesses and answers that are to be repeated; set appendonly yes',
    );
  }
  return problems;
}
