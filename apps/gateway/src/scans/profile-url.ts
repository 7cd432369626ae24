/** Injects the address of the page that shows a scanned card: a front end's, or the built-in one. */
export const PROFILE_URL = Symbol('profile-url');
