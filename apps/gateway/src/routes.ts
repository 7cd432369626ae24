import 'reflect-metadata';
import { loadOrExit } from '@puerta/service/runtime';
import { CONTROLLERS } from './app.module';
import { routesConfig } from './config';
import { routesCommand } from './proxy/route-file/routes-command';
import { routesOf } from './routes/routes';

/** `npm run routes`, and in a container `node app.js routes`. */
const {
  code,
  out = '',
  err = '',
} = routesCommand(process.argv.slice(2), () => loadOrExit(routesConfig), routesOf(CONTROLLERS));
process.stdout.write(out);
process.stderr.write(err);
process.exitCode = code;
