import type { ErrorCode } from '@puerta/contracts/core';
import type { Texts } from './catalogue';

/** What to do about every error, for whoever reads of it: in our documents, and on pages for people. */
export const ADVICE: Readonly<Record<ErrorCode, Texts>> = {
  // The request itself
  malformed_json: {
    en: 'Send one JSON value in UTF-8. A JSON parser shows where it breaks.',
    es: 'Envíe un solo valor JSON en UTF-8. Un analizador de JSON muestra dónde falla.',
  },
  bad_request: {
    en: 'Let an HTTP library write the request: one Host, a valid path, a length that is true.',
    es: 'Deje que una biblioteca HTTP escriba la petición: un solo Host, una ruta válida, una longitud cierta.',
  },
  path_ambiguous: {
    en: 'Write the path plainly: no dot segments, empty segments, backslashes, encoded slashes or dots, or double encoding.',
    es: 'Escriba la ruta con sencillez: sin segmentos de puntos o vacíos, barras invertidas, barras o puntos codificados, ni doble codificación.',
  },
  origin_not_allowed: {
    en: 'Name the origin in GATEWAY_CORS_ORIGINS, exactly as browsers send it. A client that is no browser sends no Origin.',
    es: 'Nombre el origen en GATEWAY_CORS_ORIGINS, tal como lo envían los navegadores. Un cliente que no es un navegador no envía Origin.',
  },
  transfer_coding_not_supported: {
    en: 'Send the body with Transfer-Encoding: chunked alone, or with a Content-Length. Compress it by Content-Encoding.',
    es: 'Envíe el cuerpo solo con Transfer-Encoding: chunked, o con un Content-Length. Comprímalo con Content-Encoding.',
  },
  not_found: {
    en: 'Compare the address with the routes at /docs.',
    es: 'Compare la dirección con las rutas de /docs.',
  },
  method_not_allowed: {
    en: 'Use one of the methods in the Allow header.',
    es: 'Use uno de los métodos de la cabecera Allow.',
  },
  request_timeout: {
    en: 'Send it again, by a better connection or in fewer bytes.',
    es: 'Envíela de nuevo, con mejor conexión o con menos bytes.',
  },
  payload_too_large: {
    en: 'Send fewer bytes; the detail says how many are accepted.',
    es: 'Envíe menos bytes; el detalle dice cuántos se aceptan.',
  },
  uri_too_long: {
    en: 'Shorten the address, and send what is long in the body.',
    es: 'Acorte la dirección y envíe lo largo en el cuerpo.',
  },
  unsupported_media_type: {
    en: 'Send one of the content types that the detail names, without compression.',
    es: 'Envíe uno de los tipos de contenido que nombra el detalle, sin comprimir.',
  },
  validation_failed: {
    en: 'Correct the fields listed in errors, and send the request again.',
    es: 'Corrija los campos que figuran en errors y envíe de nuevo la petición.',
  },
  idempotency_mismatch: {
    en: 'Make a new Idempotency-Key for a new request; repeat one under its key only as it was.',
    es: 'Use una Idempotency-Key nueva para una petición nueva; repita con la misma solo una petición idéntica.',
  },
  headers_too_large: {
    en: 'Send fewer or shorter headers; cookies are the usual cause.',
    es: 'Envíe menos cabeceras o más cortas; la causa habitual son las cookies.',
  },
  http_version_not_supported: {
    en: 'Send HTTP/1.1; HTTP/2 ends at a proxy in front.',
    es: 'Envíe HTTP/1.1; HTTP/2 termina en un proxy delante.',
  },
  too_many_requests: {
    en: 'Wait for the seconds in Retry-After, then ask less often; RateLimit says how much is left.',
    es: 'Espere los segundos de Retry-After y luego pida menos a menudo; RateLimit dice cuánto queda.',
  },
  too_many_attempts: {
    en: 'Wait for the seconds in Retry-After before the next attempt.',
    es: 'Espere los segundos de Retry-After antes del próximo intento.',
  },

  // Who asks
  session_mismatch: {
    en: 'Send the tokens of one session, or one of them alone.',
    es: 'Envíe los tokens de una misma sesión, o solo uno de ellos.',
  },
  unauthenticated: {
    en: 'Log in, and send the access token as Authorization: Bearer.',
    es: 'Inicie sesión y envíe el token de acceso como Authorization: Bearer.',
  },
  access_token_invalid: {
    en: 'Send the access token whole, to the installation that issued it; else log in again.',
    es: 'Envíe el token de acceso entero, a la instalación que lo emitió; si no, inicie sesión de nuevo.',
  },
  access_token_expired: {
    en: 'Get a new one with the refresh token, and repeat the request.',
    es: 'Obtenga otro con el token de renovación y repita la petición.',
  },
  session_revoked: { en: 'Log in again.', es: 'Inicie sesión de nuevo.' },
  invalid_credentials: {
    en: 'Correct e-mail or password and try again; attempts are limited.',
    es: 'Corrija el correo o la contraseña e inténtelo de nuevo; los intentos son limitados.',
  },
  refresh_token_invalid: {
    en: 'Log in again. Keep the newest refresh token: each answer has the next one.',
    es: 'Inicie sesión de nuevo. Guarde el token de renovación más reciente: cada respuesta trae el siguiente.',
  },
  refresh_token_reused: {
    en: 'Log in again. If no program of yours sent it twice, somebody else has it: change the password.',
    es: 'Inicie sesión de nuevo. Si ningún programa suyo lo envió dos veces, lo tiene otra persona: cambie la contraseña.',
  },
  scan_expired: { en: 'Scan the card again.', es: 'Escanee el carnet de nuevo.' },
  company_required: {
    en: 'Call POST /api/v1/users/me/ensure-company, and use the access token that it answers.',
    es: 'Llame a POST /api/v1/users/me/ensure-company y use el token de acceso que responde.',
  },
  not_a_member: {
    en: 'Choose a company of yours, or ask one of its administrators for an invitation.',
    es: 'Elija una compañía suya o pida una invitación a alguien que la administre.',
  },
  role_required: {
    en: 'Ask an administrator of the company to do it, or for a role that may.',
    es: 'Pida a quien administra la compañía que lo haga, o un rol que lo permita.',
  },
  forbidden: {
    en: 'Ask an administrator of the company who may do this.',
    es: 'Pregunte a quien administra la compañía quién puede hacerlo.',
  },

  // Users and companies
  email_taken: {
    en: 'Log in with it, or register with another e-mail.',
    es: 'Inicie sesión con él o regístrese con otro correo.',
  },
  user_not_found: {
    en: 'Log in again, or compare the id with the one that the user has.',
    es: 'Inicie sesión de nuevo o compare el id con el que tiene el usuario.',
  },
  company_not_found: {
    en: 'Compare the id. A company that the access token is not for is not found either.',
    es: 'Compare el id. Tampoco se encuentra una compañía para la que no es el token de acceso.',
  },
  company_unresolved: {
    en: 'Name a company in company_id, or present an invitation.',
    es: 'Indique una compañía en company_id o presente una invitación.',
  },
  company_not_joinable: {
    en: 'Ask an administrator of the company for an invitation.',
    es: 'Pida una invitación a quien administra la compañía.',
  },
  company_creation_closed: {
    en: 'Ask the operator of this installation to create it.',
    es: 'Pida al operador de esta instalación que la cree.',
  },
  invitation_not_found: {
    en: 'Compare the id with the list of invitations of the company.',
    es: 'Compare el id con la lista de invitaciones de la compañía.',
  },
  invitation_invalid: {
    en: 'Ask for a new one: this was used or revoked, or has expired.',
    es: 'Pida otra: esta se usó, se revocó o caducó.',
  },
  invitation_for_another: {
    en: 'Log in with the e-mail that was invited, or ask for an invitation to yours.',
    es: 'Inicie sesión con el correo invitado o pida una invitación para el suyo.',
  },

  // Cards
  card_not_found: {
    en: 'Compare the id, and the company of the access token. At a door: the card is not valid.',
    es: 'Compare el id y la compañía del token de acceso. En una puerta: el carnet no es válido.',
  },
  card_number_taken: {
    en: 'Give another number, or none: the next free one is taken then.',
    es: 'Dé otro número, o ninguno: entonces se toma el siguiente libre.',
  },
  card_state_conflict: {
    en: 'Read the card, and send a command that its state allows.',
    es: 'Lea el carnet y envíe una orden que su estado permita.',
  },

  // Single-use tokens
  token_unknown: {
    en: 'Issue a new one: nobody made this one here, or it is long gone.',
    es: 'Emita otro: este no se hizo aquí o desapareció hace tiempo.',
  },
  token_binding_mismatch: {
    en: 'Send the purpose and the subject for which it was issued.',
    es: 'Envíe el fin y el sujeto para los que se emitió.',
  },
  token_used: {
    en: 'Issue a new one. If it was not you who used it, somebody else has.',
    es: 'Emita otro. Si no lo usó usted, lo usó otra persona.',
  },
  token_expired: {
    en: 'Issue a new one, and use it in its time.',
    es: 'Emita otro y úselo a tiempo.',
  },

  job_not_found: {
    en: 'Compare the id, and the company of the access token.',
    es: 'Compare el id y la compañía del token de acceso.',
  },

  // Services
  internal: {
    en: 'Try again. If it stays, give the request_id to the operator.',
    es: 'Inténtelo de nuevo. Si persiste, dé el request_id al operador.',
  },
  service_unavailable: {
    en: 'Try again after the seconds in Retry-After, with the same Idempotency-Key.',
    es: 'Inténtelo de nuevo tras los segundos de Retry-After, con la misma Idempotency-Key.',
  },
  auth_unavailable: {
    en: 'Try again after the seconds in Retry-After; there is no need to log in again.',
    es: 'Inténtelo de nuevo tras los segundos de Retry-After; no hace falta iniciar sesión otra vez.',
  },
  overloaded: {
    en: 'Try again after the seconds in Retry-After, and wait longer each time.',
    es: 'Inténtelo de nuevo tras los segundos de Retry-After y espere más cada vez.',
  },
  upstream_unreachable: {
    en: 'The service behind the gateway broke off or could not be connected to. A request that changes something may have been carried out: look before you send it again.',
    es: 'El servicio detrás de la puerta de enlace interrumpió la conexión o no la aceptó. Una petición que cambia algo pudo haberse cumplido: compruébelo antes de enviarla de nuevo.',
  },
  upstream_unavailable: {
    en: 'Nothing was sent to the service. Send it again after the time in Retry-After.',
    es: 'No se envió nada al servicio. Envíela de nuevo tras el tiempo de Retry-After.',
  },
  upstream_timeout: {
    en: 'The service may still carry the request out: look before you send it again.',
    es: 'El servicio aún puede cumplir la petición: compruébelo antes de enviarla de nuevo.',
  },
  outcome_unknown: {
    en: 'It may have happened. Repeat it with the same Idempotency-Key: it happens once.',
    es: 'Puede haberse hecho. Repítala con la misma Idempotency-Key: se hace una sola vez.',
  },
};
