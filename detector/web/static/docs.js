// validatorUrl: by default, Swagger UI sends the description to a validator on the internet.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", validatorUrl: null, deepLinking: true });
