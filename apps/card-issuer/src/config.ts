import {
  commonConfig,
  type ConfigOf,
  databaseConfig,
  defineConfig,
  keyring,
  publicUrl,
  storageConfig,
} from '@puerta/config';

/** The variables of the card-issuer. */
export const cardIssuerConfig = defineConfig('card-issuer', {
  ...commonConfig,
  ...databaseConfig('CARD_ISSUER'),
  CARD_ISSUER_CODE_SECRETS: keyring(
    'Make the codes in the QRs of cards; a secret stays for as long as cards were made with it',
  ),
  PUBLIC_URL: publicUrl('Where people reach the gateway; the QRs of cards begin with it'),
  ...storageConfig,
});

export type CardIssuerConfig = ConfigOf<typeof cardIssuerConfig>;
