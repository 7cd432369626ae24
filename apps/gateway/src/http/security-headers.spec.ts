import { securityHeaders } from './security-headers';

const pictures = ['https://files.example.com'];

describe('securityHeaders', () => {
  it('lets data run nothing, load nothing and be framed by nobody', () => {
    expect(securityHeaders({ overTls: true, pictures }).api).toEqual({
      'content-security-policy': "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'origin-agent-cluster': '?1',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
      'x-dns-prefetch-control': 'off',
      'x-download-options': 'noopen',
      'x-frame-options': 'DENY',
      'x-permitted-cross-domain-policies': 'none',
      'x-xss-protection': '0',
    });
  });

  it('allows scripts and styles of our own alone on the page, and photos from where they are kept', () => {
    const policy = securityHeaders({ overTls: true, pictures }).page['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("style-src 'self'");
    expect(policy).toContain("img-src 'self' data: https://files.example.com;");
    expect(policy?.replace('https://files.example.com', '')).not.toMatch(/unsafe|\*|http/);
  });

  it('insists on https only where it is used', () => {
    expect(securityHeaders({ overTls: false, pictures }).api).not.toHaveProperty('strict-transport-security');
  });
});
