// @ts-check
/** The generated files of the documentation, by path. */
import { configurationPage } from './configuration.mjs';
import { errorsPage } from './errors.mjs';
import { describeGateway, routesPage } from './gateway.mjs';

/** @returns {Promise<Record<string, string>>} */
export async function generated() {
  const { document, routes } = await describeGateway();
  return {
    'docs/configuration.md': configurationPage(),
    'docs/errors.md': errorsPage(),
    'docs/routes.md': routesPage(document, routes),
    'docs/openapi.json': `${JSON.stringify(document, null, 1)}\n`,
  };
}
