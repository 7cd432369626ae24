/**
 * Values that stand in documents where a real one belongs. Whoever copies an example into production gets a service
 * that does not start, instead of one whose secret everybody can read.
 */
const DOCUMENTED = [
  'clave_super_segura_cambia_esto',
  'una-clave-secreta-muy-fuerte-para-desarrollo-local-1234567890',
  'TU_CLAVE_SECRETA_JWT_DE_PRODUCCION_MUY_SEGURA',
  'LA_CONTRASEÑA_REAL_DE_POSTGRES_EN_PRODUCCION',
  'tu_password_de_pg_local',
  'TU CONTRASEÑA LOCAL',
  'Valor secreto en el entorno',
  'contraseña',
  'postgres',
  'user_password',
  'password',
  'secret',
  'admin',
  'root',
  'redis',
  'foobared',
  'puerta',
];

/** Words that no random value holds and every kind of placeholder does. */
const TELLTALES = [
  'changeme',
  'changethis',
  'replaceme',
  'cambiaesto',
  'cambiame',
  'placeholder',
  'yoursecret',
  'tuclave',
];

/** Letters and digits alone, small and without accents: `contraseña`, `CONTRASENA` and `contra-seña` are one. */
function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toLowerCase();
}

const SHORT = new Set(DOCUMENTED.map(plain));
const LONG = [...[...SHORT].filter((word) => word.length >= 15), ...TELLTALES];

/** Whether a value is a known placeholder, or contains one that is too long to occur by chance. */
export function isPlaceholder(text: string): boolean {
  const word = plain(text);
  return SHORT.has(word) || LONG.some((placeholder) => word.includes(placeholder));
}
