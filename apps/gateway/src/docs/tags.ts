/** The parts of the API, as the documentation lists them. */
export const TAGS: Readonly<Record<string, string>> = {
  Service: 'What this is, whether it serves, and the public keys of what it signs',
  'Users and sessions': 'Registration, login, and the access and refresh tokens that come of them',
  Companies: 'Companies, who is invited to them, and what was done there',
  'ID cards': 'Cards that people carry: issued, changed, printed as QR codes, taken out of use',
  'Single-use tokens': 'Tokens and codes that are good once, for purposes of your own',
  Scans: 'What whoever scans a card may see',
};
