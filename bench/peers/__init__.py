"""The cart page of the store as applications of other frameworks, written as their own documentation teaches.

Each module has `prepare(url, user_id, name)`, which makes its tables and its user once, and `app(url)`, which returns the WSGI
application. `GET /login?user=ID` signs in, and `GET /shopping-cart` is the page, the same as the product's but for tokens. The session
is kept in the database, extended on each request, and the user is read anew; carts and products are the product's own rows.
"""
