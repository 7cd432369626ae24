// @ts-check
/** One name in the forms in which code has it. */

/** @param {string} name `print-shop` @returns {string} `PrintShop` */
export function pascal(name) {
  return name.replace(/(^|-)(.)/g, (_, __, letter) => letter.toUpperCase());
}

/** @param {string} name `print-shop` @returns {string} `printShop` */
export function camel(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

/** @param {string} name `print-shop` @returns {string} `print_shop` */
export function snake(name) {
  return name.replaceAll('-', '_');
}
