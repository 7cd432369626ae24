import createClient from 'openapi-fetch';
// Made by: npx openapi-typescript http://localhost:8080/docs-json --output puerta.ts
import type { components, paths } from './puerta';

export type Card = components['schemas']['Card'];

/**
 * Gives a card a photo.
 *
 * @param photo JPEG
 * @throws Error with the code of the problem
 */
export async function setPhoto(baseUrl: string, token: string, card_id: string, photo: Blob): Promise<Card> {
  const puerta = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
  const { data, error } = await puerta.PUT('/api/v1/cards/{card_id}/photo', {
    params: { path: { card_id } },
    headers: { 'Content-Type': 'image/jpeg' },
    body: photo,
    // A client that speaks JSON would else make JSON of it.
    bodySerializer: (file) => file,
  });
  if (error) throw new Error(error.code);
  return data;
}
