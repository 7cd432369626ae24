import type { ErrorCode, FieldErrorCode } from '@puerta/contracts/core';
import type { Language } from './language';

export type Texts = Readonly<Record<Language, string>>;

interface ErrorEntry extends Texts {
  readonly status: number;
}

/** The HTTP status of every error, everywhere, and the titles that people read. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = {
  // The request itself
  malformed_json: { status: 400, en: 'The body is not valid JSON', es: 'El cuerpo no es JSON válido' },
  bad_request: { status: 400, en: 'The request is malformed', es: 'La petición está mal formada' },
  path_ambiguous: {
    status: 400,
    en: 'The path can be read in more than one way',
    es: 'La ruta puede leerse de más de una manera',
  },
  origin_not_allowed: {
    status: 403,
    en: 'Pages of this origin may not open WebSockets here',
    es: 'Las páginas de este origen no pueden abrir aquí WebSockets',
  },
  transfer_coding_not_supported: {
    status: 501,
    en: 'This transfer coding is not supported',
    es: 'Esta codificación de transferencia no se admite',
  },
  not_found: { status: 404, en: 'There is nothing here', es: 'Aquí no hay nada' },
  method_not_allowed: { status: 405, en: 'This method is not allowed here', es: 'Este método no está permitido aquí' },
  request_timeout: { status: 408, en: 'The request did not arrive in time', es: 'La petición no llegó a tiempo' },
  payload_too_large: { status: 413, en: 'The body is too large', es: 'El cuerpo es demasiado grande' },
  uri_too_long: { status: 414, en: 'The address is too long', es: 'La dirección es demasiado larga' },
  unsupported_media_type: {
    status: 415,
    en: 'This content type is not accepted',
    es: 'Este tipo de contenido no se acepta',
  },
  validation_failed: { status: 422, en: 'Some fields are not valid', es: 'Algunos campos no son válidos' },
  idempotency_mismatch: {
    status: 422,
    en: 'This Idempotency-Key was used with another request',
    es: 'Esta Idempotency-Key se usó con otra petición',
  },
  headers_too_large: { status: 431, en: 'The headers are too large', es: 'Las cabeceras son demasiado grandes' },
  http_version_not_supported: {
    status: 505,
    en: 'Only HTTP/1.1 and HTTP/1.0 are spoken here',
    es: 'Aquí solo se habla HTTP/1.1 y HTTP/1.0',
  },
  too_many_requests: { status: 429, en: 'Too many requests', es: 'Demasiadas peticiones' },
  too_many_attempts: { status: 429, en: 'Too many attempts', es: 'Demasiados intentos' },

  // Who asks
  session_mismatch: {
    status: 400,
    en: 'The access token and the refresh token are of two sessions; neither was ended',
    es: 'El token de acceso y el de renovación son de dos sesiones; no se terminó ninguna',
  },
  unauthenticated: { status: 401, en: 'An access token is needed', es: 'Se necesita un token de acceso' },
  access_token_invalid: { status: 401, en: 'The access token is not valid', es: 'El token de acceso no es válido' },
  access_token_expired: { status: 401, en: 'The access token has expired', es: 'El token de acceso ha caducado' },
  session_revoked: { status: 401, en: 'The session has ended', es: 'La sesión ha terminado' },
  invalid_credentials: {
    status: 401,
    en: 'E-mail or password is wrong',
    es: 'El correo o la contraseña no son correctos',
  },
  refresh_token_invalid: {
    status: 401,
    en: 'The refresh token is not valid',
    es: 'El token de renovación no es válido',
  },
  refresh_token_reused: {
    status: 401,
    en: 'The refresh token was used before; the session has ended',
    es: 'El token de renovación ya se había usado; la sesión ha terminado',
  },
  scan_expired: { status: 401, en: 'This scan has expired', es: 'Este escaneo ha caducado' },
  company_required: { status: 403, en: 'Choose a company first', es: 'Elija primero una compañía' },
  not_a_member: { status: 403, en: 'You are not a member of this company', es: 'No es miembro de esta compañía' },
  role_required: { status: 403, en: 'Your role does not allow this', es: 'Su rol no permite esto' },
  forbidden: { status: 403, en: 'This is not allowed', es: 'Esto no está permitido' },

  // Users and companies
  email_taken: { status: 409, en: 'This e-mail is already registered', es: 'Este correo ya está registrado' },
  user_not_found: { status: 404, en: 'There is no such user', es: 'No existe ese usuario' },
  company_not_found: { status: 404, en: 'There is no such company', es: 'No existe esa compañía' },
  company_unresolved: {
    status: 400,
    en: 'No company was named and there is none to fall back on',
    es: 'No se indicó compañía y no hay ninguna por defecto',
  },
  company_not_joinable: { status: 403, en: 'You may not join this company', es: 'No puede unirse a esta compañía' },
  company_creation_closed: {
    status: 403,
    en: 'Companies are created by the operator',
    es: 'Las compañías las crea el operador',
  },
  invitation_not_found: { status: 404, en: 'There is no such invitation', es: 'No existe esa invitación' },
  invitation_invalid: { status: 403, en: 'The invitation is not valid any more', es: 'La invitación ya no es válida' },
  invitation_for_another: {
    status: 403,
    en: 'The invitation is for another e-mail; it is still good',
    es: 'La invitación es para otro correo; sigue siendo válida',
  },

  // Cards
  card_not_found: { status: 404, en: 'There is no such card', es: 'No existe ese carnet' },
  card_number_taken: { status: 409, en: 'This card number is taken', es: 'Este número de carnet está ocupado' },
  card_state_conflict: {
    status: 409,
    en: 'The state of the card does not allow this',
    es: 'El estado del carnet no permite esto',
  },

  // Single-use tokens
  token_unknown: { status: 404, en: 'There is no such token', es: 'No existe ese token' },
  token_binding_mismatch: {
    status: 409,
    en: 'The token is for another purpose or subject; it was not used up',
    es: 'El token es para otro fin u otro sujeto; no se ha gastado',
  },
  token_used: { status: 410, en: 'The token was used before', es: 'El token ya se había usado' },
  token_expired: { status: 410, en: 'The token has expired', es: 'El token ha caducado' },

  job_not_found: { status: 404, en: 'There is no such job', es: 'No existe esa tarea' },

  // Services
  internal: { status: 500, en: 'Something went wrong on our side', es: 'Algo falló de nuestro lado' },
  service_unavailable: {
    status: 503,
    en: 'The service is not available now',
    es: 'El servicio no está disponible ahora',
  },
  auth_unavailable: { status: 503, en: 'Access cannot be checked now', es: 'El acceso no se puede comprobar ahora' },
  overloaded: { status: 503, en: 'The service is overloaded', es: 'El servicio está sobrecargado' },
  upstream_unreachable: {
    status: 502,
    en: 'The service behind the gateway could not be reached',
    es: 'No se pudo alcanzar el servicio detrás de la puerta de enlace',
  },
  upstream_unavailable: {
    status: 503,
    en: 'The service behind the gateway is away for now',
    es: 'El servicio detrás de la puerta de enlace no está disponible por ahora',
  },
  upstream_timeout: {
    status: 504,
    en: 'The service behind the gateway did not answer in time',
    es: 'El servicio detrás de la puerta de enlace no respondió a tiempo',
  },
  outcome_unknown: {
    status: 504,
    en: 'No answer came in time; ask again with the same Idempotency-Key',
    es: 'La respuesta no llegó a tiempo; repita con la misma Idempotency-Key',
  },
};

/** Sentences about refused fields, which follow the name of the field; `{name}` stands for a parameter. */
export const FIELD_ERRORS: Readonly<Record<FieldErrorCode, Texts>> = {
  required: { en: 'is required', es: 'es obligatorio' },
  unknown_field: { en: 'is not a known field', es: 'no es un campo conocido' },
  repeated: { en: 'is given more than once', es: 'se da más de una vez' },
  wrong_type: { en: 'must be {type}', es: 'debe ser {type}' },
  too_short: { en: 'must have at least {min} characters', es: 'debe tener al menos {min} caracteres' },
  too_large: { en: 'must have at most {max} bytes as JSON', es: 'debe tener como mucho {max} bytes en JSON' },
  too_long: { en: 'must have at most {max} characters', es: 'debe tener como mucho {max} caracteres' },
  forbidden_characters: { en: 'has characters that are not allowed', es: 'tiene caracteres no permitidos' },
  bad_format: { en: 'does not have the form of {format}', es: 'no tiene la forma de {format}' },
  mixed_scripts: {
    en: 'mixes letters of scripts that are not written together',
    es: 'mezcla letras de alfabetos que no se escriben juntos',
  },
  out_of_range: { en: 'must be between {min} and {max}', es: 'debe estar entre {min} y {max}' },
  bad_choice: { en: 'must be one of: {choices}', es: 'debe ser uno de: {choices}' },
  wrong_count: { en: 'must have between {min} and {max} items', es: 'debe tener entre {min} y {max} elementos' },
  conflicts: { en: 'cannot be given together with {other}', es: 'no puede darse junto con {other}' },
  common_password: {
    en: 'is one of the passwords that are tried first',
    es: 'es una de las contraseñas que se prueban primero',
  },
  repetitive: { en: 'says the same again and again', es: 'repite lo mismo una y otra vez' },
  sequential: {
    en: 'is little more than rows of letters, numbers or keys',
    es: 'es poco más que series de letras, números o teclas',
  },
  contains_context: {
    en: 'is little more than your name, your e-mail, the company or the product',
    es: 'es poco más que su nombre, su correo, la compañía o el producto',
  },
  no_such_member: { en: 'is no active member of this company', es: 'no es miembro activo de esta compañía' },
  too_deep: { en: 'is nested too deeply', es: 'está anidado en exceso' },
};
