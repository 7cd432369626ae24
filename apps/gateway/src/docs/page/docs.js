'use strict';

// Tokens that are typed in are forgotten with the page: a shared computer must not keep them.
window.SwaggerUIBundle({
  url: '/docs-json',
  dom_id: '#docs',
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
