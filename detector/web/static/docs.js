// validatorUrl: by default Swagger UI shows the description to a site on the internet.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", validatorUrl: null, deepLinking: true });
