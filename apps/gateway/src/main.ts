import { callFields, runProcess } from '@puerta/service/runtime';
import { gatewayConfig } from './config';
import { startGateway } from './gateway';

void runProcess({
  config: gatewayConfig,
  logContext: callFields,
  logLevel: (config) => config.GATEWAY_LOG_LEVEL,
  start: startGateway,
});
