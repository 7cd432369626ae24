// @ts-check
/** What stays a package beside the bundles: machine code, and files that are served as they are. */
export const PACKAGES = ['@node-rs/argon2', 'sharp', 'swagger-ui-dist'];

/** What libraries would use if it were installed. Anything else that is missing fails the build. */
export const ABSENT = [
  '@fastify/multipart',
  '@fastify/static',
  '@fastify/view',
  '@nats-io/transport-node',
  '@nestjs/platform-express',
  '@nestjs/websockets',
  'amqp-connection-manager',
  'class-transformer/storage',
  'kafkajs',
  'mqtt',
  'pg-native',
];
